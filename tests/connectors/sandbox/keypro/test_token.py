"""Who is let in: the token that Keypro issues, in the header that the vendor's page on security shows."""

from __future__ import annotations

import pytest

from connectors.sandbox.catalogue import SYSTEMS, open_sandbox
from connectors.sandbox.fault import Faults
from connectors.sandbox.keypro.setting import KeyproSettings
from tests.connectors.sandbox.keypro.caller import CUSTOMERS, TOKEN, KeyproCaller, refusal
from tests.connectors.sandbox.keypro.conftest import Open

UNAUTHORIZED = (401, "Authentication credentials were not provided")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Token",
        TOKEN,
        f"token {TOKEN}",
        f"Token  {TOKEN}",
        f"Token {TOKEN.upper()}",
        f"Token {TOKEN}0",
        f"Bearer {TOKEN}",
        f"Token token={TOKEN}",
        b"Token \xe4",
    ],
)
def test_anything_but_the_token_is_refused(api: KeyproCaller, header: str | bytes) -> None:
    """The word Token, one blank and the token are the only way in; all else gets the documented words."""
    answer = api.request("GET", CUSTOMERS, headers={b"Authorization": header})
    assert refusal(answer) == UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Token"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", CUSTOMERS),
        ("POST", CUSTOMERS),
        ("GET", f"{CUSTOMERS}1/"),
        ("PATCH", f"{CUSTOMERS}1/"),
        ("DELETE", f"{CUSTOMERS}1/"),
        ("PUT", CUSTOMERS),
        ("GET", "/txt_constants/groupname/language/"),
        ("GET", "/elsewhere/"),
    ],
)
def test_every_request_needs_the_token(api: KeyproCaller, method: str, path: str) -> None:
    """No path can be told from another without the token, and nothing is changed."""
    api.post(customerNumber="C-1")
    assert refusal(api.request(method, path, headers={"Authorization": "Token x"})) == UNAUTHORIZED
    assert api.count() == 1
    assert not api.app.journal.entries[-1].applied


def test_token_is_a_setting(open_api: Open) -> None:
    """Another token lets in, and then the default one does not."""
    api = open_api(token="ff" * 20)
    assert api.get().status_code == 200
    assert refusal(api.request("GET", CUSTOMERS, headers={"Authorization": f"Token {TOKEN}"})) == UNAUTHORIZED


def test_token_has_the_form_of_the_sample() -> None:
    """The default token is 40 lower-case hexadecimal characters."""
    assert len(bytes.fromhex(KeyproSettings().token)) == 20
    assert KeyproSettings().token.islower()


def test_settings_hide_the_token() -> None:
    """The settings do not show the token when printed, and tell a job file what to write."""
    settings = KeyproSettings(token="hush")
    assert "hush" not in repr(settings)
    assert settings.credentials == {"token": "hush"}


def test_refused_credentials_deny_the_token(api: KeyproCaller) -> None:
    """401 for all answers as if there were no token."""
    api.app.faults = Faults(refuse_credentials=401)
    assert refusal(api.get()) == UNAUTHORIZED
    api.app.faults = Faults()
    assert api.get().status_code == 200


def test_forbidden_requests_know_the_token(api: KeyproCaller) -> None:
    """403 for all says so to the token, and 401 to anything else."""
    api.app.faults = Faults(refuse_credentials=403)
    assert refusal(api.post()) == (403, "You do not have permission to perform this action.")
    assert refusal(api.request("GET", CUSTOMERS, headers={"Authorization": ""})) == UNAUTHORIZED
    assert api.count() == 0


def test_token_outlives_sessions_and_resets(api: KeyproCaller) -> None:
    """There is no session that could end: the limits of sessions and a reset leave the token as it is."""
    api.app.faults = Faults(session_requests=0, session_seconds=0)
    assert api.get().status_code == 200
    api.app.reset()
    assert api.get().status_code == 200


def test_catalogue_opens_the_sandbox() -> None:
    """The system is known by its kind, and its credentials are those of a job file."""
    assert SYSTEMS["keypro"] == "Keypro"
    opened = open_sandbox("keypro", faults=Faults(rate_limit=7))
    assert opened.app.faults.rate_limit == 7
    api = KeyproCaller(opened.app, opened.credentials["token"])
    assert api.post(customerName="Aino").status_code == 201
    api.close()
