"""The tokens, on both documented paths."""

from __future__ import annotations

import base64

import httpx
import pytest

from connectors.sandbox.fault import Faults
from connectors.sandbox.tradevest.setting import TradevestSettings
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.tradevest.caller import CREDENTIALS, CUSTOMERS, Caller, read_error, refusal
from tests.connectors.sandbox.tradevest.conftest import Open

GUIDE = "/connect/token"
UNAUTHORIZED = (401, "UNAUTHORIZED", "UNAUTHORIZED_ERROR")


def _refused(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    content = answer.json()
    assert content.keys() == {"error"}
    return str(content["error"])


def test_token_has_the_documented_keys(api: Caller) -> None:
    """A token comes with its lifetime of an hour and its type, and nothing else."""
    answer = api.token()
    assert answer.status_code == 200
    content = answer.json()
    assert content.keys() == {"access_token", "expires_in", "token_type"}
    assert (content["expires_in"], content["token_type"]) == (3600, "Bearer")
    assert len(content["access_token"]) > 20


def test_each_token_is_another_and_opens_the_api(api: Caller) -> None:
    """Two tokens live beside each other."""
    tokens = [api.token().json()["access_token"] for _ in range(2)]
    assert len(set(tokens)) == 2
    for token in tokens:
        assert api.request("GET", CUSTOMERS, headers={"Authorization": f"bearer {token}"}).status_code == 200


def test_path_of_the_guide_wants_its_scope(api: Caller) -> None:
    """`/connect/token` gives a token for the scope of the guide, alone or among others."""
    assert api.token(GUIDE, scope="tradevest.api").status_code == 200
    assert api.token(GUIDE, scope="openid tradevest.api").status_code == 200


@pytest.mark.parametrize("scope", ["", "openid", "tradevest.apis"])
def test_path_of_the_guide_refuses_other_scopes(api: Caller, scope: str) -> None:
    """`/connect/token` without the scope is an invalid request."""
    assert _refused(api.token(GUIDE, scope=scope)) == "invalid_request"


def test_path_of_the_reference_looks_at_no_scope(api: Caller) -> None:
    """`/oauth2/token` names no scope, so that any will do."""
    assert api.token(scope="tradevest.api").status_code == 200


@pytest.mark.parametrize("path", ["/oauth2/token", GUIDE])
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_id": ""}, "invalid_request"),
        ({"client_secret": ""}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "someone"}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
    ],
)
def test_token_is_refused(api: Caller, path: str, fields: dict[str, str], error: str) -> None:
    """What is wrong with a request for a token is one word of the documented enum."""
    assert _refused(api.token(path, **{"scope": "tradevest.api", **fields})) == error


def test_credentials_go_into_the_body_not_into_basic(api: Caller) -> None:
    """A Basic header does not stand in for the two fields."""
    basic = base64.b64encode(b"sandbox:sandbox").decode()
    form = {"grant_type": "client_credentials"}
    answer = api.request("POST", "/oauth2/token", data=form, headers={"Authorization": f"Basic {basic}"})
    assert _refused(answer) == "invalid_request"


def test_token_wants_a_form(api: Caller) -> None:
    """JSON, a multipart form, a query or an unreadable form is an invalid request."""
    unreadable = {"content": b"client_id=%FF", "headers": {"content-type": "application/x-www-form-urlencoded"}}
    multipart = {"files": {name: (None, value) for name, value in CREDENTIALS.items()}}
    for arguments in ({"json": CREDENTIALS}, {"params": CREDENTIALS}, multipart, unreadable):
        assert _refused(api.request("POST", "/oauth2/token", **arguments)) == "invalid_request"


def test_token_is_posted_for(api: Caller) -> None:
    """The path of the tokens has no other method."""
    answer = api.request("GET", "/oauth2/token", params=CREDENTIALS)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer guess", "Basic c2FuZGJveDpzYW5kYm94", "guess"])
def test_requests_need_a_token(api: Caller, authorization: str | None) -> None:
    """Without a token of ours the answer is 401 with an ErrorMessage, and says which scheme is wanted."""
    api.headers = {} if authorization is None else {"Authorization": authorization}
    answer = api.list()
    assert refusal(answer) == UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Bearer"


def test_token_does_not_count_under_another_scheme(api: Caller) -> None:
    """A living token opens nothing as Basic."""
    api.headers = {"Authorization": api.headers["Authorization"].replace("Bearer", "Basic")}
    assert refusal(api.list()) == UNAUTHORIZED


def test_token_ends_with_its_lifetime(open_api: Open, time: FakeTime) -> None:
    """A token works until the seconds that it was given for have passed, which is a setting."""
    api = open_api(token_seconds=100)
    assert api.token().json()["expires_in"] == 100
    time.seconds += 99
    assert api.list().status_code == 200
    time.seconds += 1
    assert refusal(api.list()) == UNAUTHORIZED
    api.log_in()
    assert api.list().status_code == 200


def test_token_may_end_before_its_time(api: Caller, time: FakeTime) -> None:
    """The faults cut a token short, by seconds, and it does not say so."""
    api.app.faults = Faults(session_seconds=60)
    assert api.token().json()["expires_in"] == 3600
    time.seconds += 60
    assert refusal(api.list()) == UNAUTHORIZED


def test_token_may_wear_out(api: Caller) -> None:
    """With three requests a token, the fourth is 401 until the next token."""
    api.app.faults = Faults(session_requests=3)
    assert [api.list().status_code for _ in range(4)] == [200, 200, 200, 401]
    api.log_in()
    assert api.list().status_code == 200


def test_refused_credentials_deny_tokens_and_requests(api: Caller) -> None:
    """401 for all refuses living tokens, and new ones in the way of the token's path."""
    api.app.faults = Faults(refuse_credentials=401)
    assert refusal(api.list()) == UNAUTHORIZED
    assert _refused(api.token()) == "invalid_client"


def test_forbidden_requests_leave_the_tokens_alone(api: Caller) -> None:
    """403 for all gives tokens, but nothing may be done with them."""
    api.app.faults = Faults(refuse_credentials=403)
    assert api.token().status_code == 200
    assert refusal(api.list()) == (403, "FORBIDDEN", "FORBIDDEN_ERROR")


def test_reset_ends_tokens(api: Caller) -> None:
    """After a reset everybody gets another token."""
    api.app.reset()
    assert api.list().status_code == 401


def test_requests_are_told_apart(api: Caller) -> None:
    """Every error has a request id of its own."""
    api.headers = {}
    assert read_error(api.list())["requestId"] != read_error(api.list())["requestId"]


def test_settings_hide_the_secret_and_tell_a_job_file() -> None:
    """The secret is not shown when printed, and is among the keys of a job file."""
    settings = TradevestSettings(client_secret="hush")
    assert "hush" not in repr(settings)
    assert settings.credentials == {
        "client_id": "sandbox",
        "client_secret": "hush",
        "token_url": "{base_url}/oauth2/token",
        "requestor_id": settings.requestor_id,
    }
