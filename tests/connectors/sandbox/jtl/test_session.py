"""Tokens, the key of the premises, and the headers that let a request in."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.fault import Faults
from connectors.sandbox.jtl.setting import JtlSettings
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.jtl.caller import CUSTOMER, GRANT, TENANT, JtlCaller, refusal, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl


def _bare(jtl: JtlCaller, **headers: str) -> tuple[int, bytes]:
    """Ask with just these headers, for status and body."""
    jtl.headers = {}
    answer = jtl.request("GET", "/customers", headers={name.replace("_", "-"): text for name, text in headers.items()})
    return answer.status_code, answer.content


def test_token_answers_the_documented_fields(open_jtl: OpenJtl) -> None:
    """The right client gets a token, its type and the seconds that it lives, and no cache may keep it."""
    answer = open_jtl(token_seconds=86400).ask_token()
    assert answer.status_code == 200
    content = answer.json()
    assert list(content) == ["access_token", "token_type", "expires_in"]
    assert (content["token_type"].lower(), content["expires_in"]) == ("bearer", 86400)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("auth", [("someone", "sandbox"), ("sandbox", "guess"), ("sandbox", ""), None])
def test_wrong_client_gets_no_token(jtl: JtlCaller, auth: tuple[str, str] | None) -> None:
    """A wrong id or secret, or none, is invalid_client."""
    answer = jtl.ask_token(auth=auth)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer.headers["www-authenticate"] == "Basic"


def test_client_is_told_by_basic_alone(jtl: JtlCaller) -> None:
    """Credentials in the form are not looked at."""
    answer = jtl.ask_token(auth=None, **GRANT, client_id="sandbox", client_secret="sandbox")
    assert answer.json() == {"error": "invalid_client"}


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic c2FuZGJveA==", "Bearer c2FuZGJveDpzYW5kYm94", "Basic /w=="]
)
def test_broken_basic_is_a_wrong_client(jtl: JtlCaller, header: str) -> None:
    """A header that is no pair of id and secret is invalid_client."""
    answer = jtl.request("POST", "/oauth2/token", data=GRANT, headers={"authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize("auth", [("a b", "p:%+"), ("a+b", "p%3A%25%2B")])
def test_client_may_be_percent_encoded(open_jtl: OpenJtl, auth: tuple[str, str]) -> None:
    """Id and secret are taken as they are, and encoded as RFC 6749 has it."""
    jtl = open_jtl(client_id="a b", client_secret="p:%+")
    assert jtl.ask_token(auth=auth).status_code == 200
    assert jtl.ask_token(auth=("a b", "p:%")).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
        ({"scope": "openid"}, "invalid_request"),
    ],
)
def test_wrong_grant(jtl: JtlCaller, form: dict[str, str], error: str) -> None:
    """Another grant than client_credentials is unsupported, none is no request."""
    answer = jtl.ask_token(**form)
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_token_request_is_a_form_by_post(jtl: JtlCaller) -> None:
    """JSON is no request for a token, and GET is not allowed."""
    basic = {"authorization": "Basic c2FuZGJveDpzYW5kYm94"}
    answer = jtl.request("POST", "/oauth2/token", json=GRANT, headers=basic)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert jtl.request("GET", "/oauth2/token", headers=basic).status_code == 405


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer guess", "Basic c2FuZGJveDpzYW5kYm94", "Wawi sandbox"])
def test_requests_without_a_token_are_refused(jtl: JtlCaller, authorization: str) -> None:
    """Who bears no living token gets a 401 without a body."""
    assert _bare(jtl, authorization=authorization, x_tenant_id=TENANT) == (401, b"")


def test_token_ends_by_its_time(open_jtl: OpenJtl, time: FakeTime) -> None:
    """A token lives as long as expires_in said."""
    jtl = open_jtl(token_seconds=60)
    time.seconds += 59
    assert jtl.get().status_code == 200
    time.seconds += 1
    assert jtl.get().status_code == 401
    jtl.log_in()
    assert jtl.get().status_code == 200


def test_token_ends_by_the_faults_requests(jtl: JtlCaller) -> None:
    """With three requests a token, the fourth is a 401 until the next one."""
    jtl.app.faults = Faults(session_requests=3)
    assert [jtl.get().status_code for _ in range(4)] == [200, 200, 200, 401]
    jtl.log_in()
    assert jtl.get().status_code == 200


def test_token_ends_by_the_faults_seconds(jtl: JtlCaller, time: FakeTime) -> None:
    """With a minute a token, a request after a minute is a 401, whatever expires_in said."""
    jtl.app.faults = Faults(session_seconds=60)
    assert jtl.ask_token().json()["expires_in"] == 3600
    time.seconds += 60
    assert jtl.get().status_code == 401


def test_refused_credentials_deny_tokens_and_requests(jtl: JtlCaller) -> None:
    """401 for all refuses living tokens as well as new ones."""
    jtl.app.faults = Faults(refuse_credentials=401)
    assert jtl.get().status_code == jtl.ask_token().status_code == 401


def test_forbidden_requests_leave_the_token_alone(jtl: JtlCaller) -> None:
    """403 for all gives a token, but nothing may be done."""
    jtl.app.faults = Faults(refuse_credentials=403)
    assert jtl.ask_token().status_code == 200
    assert jtl.get().status_code == 403


def test_reset_ends_tokens(jtl: JtlCaller) -> None:
    """After a reset everybody asks for a new one."""
    jtl.app.reset()
    assert jtl.get().status_code == 401


def test_key_of_the_premises(open_jtl: OpenJtl) -> None:
    """On premises a key lets in without a tenant, there is no token, and the faults can refuse the key."""
    jtl = open_jtl(api_key="hush")
    assert _bare(jtl, authorization="Wawi hush")[0] == 200
    assert _bare(jtl, authorization="Wawi guess")[0] == _bare(jtl, authorization="Bearer hush")[0] == 401
    assert jtl.ask_token().status_code == 401
    assert refusal(jtl.request("POST", "/oauth2/token", headers={"authorization": "Wawi hush"})) == (404, "NOT_FOUND")
    jtl.app.faults = Faults(refuse_credentials=401)
    assert _bare(jtl, authorization="Wawi hush")[0] == 401


@pytest.mark.parametrize("tenant", ["6c1f6a52-3f0e-4a57-9d7b-2f4f0f6f9a11", "eazybusiness", f"{{{TENANT}}}"])
def test_other_tenants_are_refused(jtl: JtlCaller, tenant: str) -> None:
    """A tenant that is another, or no UUID, is a 401."""
    jtl.headers["x-tenant-id"] = tenant
    assert jtl.get().status_code == 401


def test_tenant_is_told_in_either_case(jtl: JtlCaller) -> None:
    """A UUID is the same in capital letters."""
    jtl.headers["x-tenant-id"] = TENANT.upper()
    assert jtl.get().status_code == 200


def test_missing_tenant_is_a_401(jtl: JtlCaller) -> None:
    """Without the tenant's header there is nothing but a 401."""
    del jtl.headers["x-tenant-id"]
    answer = jtl.get()
    assert (answer.status_code, answer.content) == (401, b"")


def test_status_of_a_missing_tenant_is_a_setting(open_jtl: OpenJtl) -> None:
    """The guide has 412 as well; then it comes with a body."""
    jtl = open_jtl(missing_tenant_status=412)
    del jtl.headers["x-tenant-id"]
    assert refusal(jtl.get()) == (412, "PRECONDITION_FAILED")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.3", "1.4"])
def test_versions_are_asked_for_by_header(jtl: JtlCaller, version: str) -> None:
    """Any known version does."""
    jtl.headers["api-version"] = version
    assert jtl.get().status_code == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("api-version", version) for version in ("2.0", "1.2", "v1.0", "")),
        *(("x-runas", text) for text in ("me", "1.5", "")),
        ("X-SessionId", "5"),
        ("x-companyid", "first"),
    ],
)
def test_malformed_headers_are_refused(jtl: JtlCaller, name: str, text: str) -> None:
    """An unknown version, or an id of the wrong form, is named by its header."""
    jtl.headers[name] = text
    assert wrong(jtl.get()) == [name.lower()]


def test_optional_headers_are_taken(jtl: JtlCaller) -> None:
    """Users and companies are named by number or UUID, sessions by UUID."""
    jtl.headers |= {"x-runas": "7", "x-companyid": TENANT, "X-SessionId": TENANT, "x-appid": "App/1.0.0"}
    assert jtl.get().status_code == 200


def test_app_headers_may_be_required(open_jtl: OpenJtl) -> None:
    """With the setting, a request says which app it comes from, and in which version."""
    jtl = open_jtl(requires_app=True)
    assert wrong(jtl.get()) == ["x-appid"]
    jtl.headers["x-appid"] = "Sandbox/1.0.0"
    assert wrong(jtl.get()) == ["x-appversion"]
    jtl.headers["x-appversion"] = "1.0.0"
    assert jtl.get().status_code == 200


def test_status_of_a_missing_app_is_a_setting(open_jtl: OpenJtl) -> None:
    """Missing headers may be a failed precondition."""
    assert refusal(open_jtl(requires_app=True, missing_app_status=412).get()) == (412, "PRECONDITION_FAILED")


def test_without_a_licence_nothing_is_answered(open_jtl: OpenJtl) -> None:
    """Every request to the API is a 402 without a body; who is nobody is told that first."""
    jtl = open_jtl(licensed=False)
    for method, path in [("GET", "/customers"), ("POST", "/customers"), ("GET", "/companies"), ("GET", "/nowhere")]:
        answer = jtl.request(method, path)
        assert (answer.status_code, answer.content) == (402, b"")
    assert _bare(jtl)[0] == 401


READS = {"customer.querycustomers", "customer.getcustomer", "all.read"}


@pytest.mark.parametrize(
    ("missing", "statuses"),
    [
        (set(), [201, 200, 200, 201, 204, 200]),
        ({"customer.createcustomer"}, [403, 200, 200, 201, 204, 200]),
        ({"customer.querycustomers", "customer.getcustomer"}, [201, 200, 200, 201, 204, 200]),
        ({"all.read"}, [201, 200, 200, 201, 204, 200]),
        ({"customer.querycustomers", "all.read"}, [201, 403, 200, 201, 204, 200]),
        (READS, [201, 403, 403, 201, 204, 200]),
        ({"customer.updatecustomer", "customer.deletecustomer"}, [201, 200, 200, 403, 403, 200]),
    ],
)
def test_operations_need_one_of_their_scopes(open_jtl: OpenJtl, missing: set[str], statuses: list[int]) -> None:
    """An operation is a 403 where the app has none of its scopes; the look-ups need none."""
    jtl = open_jtl(scopes_missing=frozenset(missing))
    jtl.app.vendor.add(CUSTOMER)
    calls: list[tuple[str, str, Any]] = [
        ("POST", "/customers", CUSTOMER | {"Number": "C-2"}),
        ("GET", "/customers", None),
        ("GET", "/customers/1", None),
        ("PATCH", "/customers/1", {}),
        ("DELETE", "/customers/1", None),
        ("GET", "/customers/customfields", None),
    ]
    assert [jtl.request(method, path, json=body).status_code for method, path, body in calls] == statuses


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"licensed": False}, (402, "PAYMENT_REQUIRED")),
        ({"scopes_missing": frozenset(READS)}, (403, "FORBIDDEN")),
        ({"tenant_id": "00000000-0000-4000-8000-000000000000"}, (401, "UNAUTHORIZED")),
    ],
)
def test_refusals_may_have_a_body(open_jtl: OpenJtl, settings: dict[str, Any], expected: tuple[int, str]) -> None:
    """With the setting, 401, 402 and 403 say what they are."""
    assert refusal(open_jtl(refusals_have_body=True, **settings).get()) == expected


def test_settings_hide_the_secrets() -> None:
    """The settings show neither the secret nor the key when printed."""
    assert "hush" not in repr(JtlSettings(client_secret="hush", api_key="hush"))


def test_credentials_are_the_keys_of_a_job() -> None:
    """A job in the cloud names client, token address and tenant; one on premises a key."""
    assert JtlSettings(client_secret="hush").credentials == {
        "client_id": "sandbox",
        "client_secret": "hush",
        "token_url": "{base_url}/oauth2/token",
        "tenant_id": TENANT,
    }
    assert JtlSettings(api_key="hush").credentials == {"api_key": "hush"}
