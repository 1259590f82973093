"""The login and the sessions."""

from __future__ import annotations

import httpx
import pytest

from connectors.sandbox.fault import Faults
from connectors.sandbox.valomnia.setting import ValomniaSettings
from tests.connectors.sandbox.caller import LOGIN, Caller, FakeTime, refusal
from tests.connectors.sandbox.conftest import Open


def _check(api: Caller, **credentials: str) -> httpx.Response:
    api.forget_cookies()
    return api.request("POST", "/j_spring_security_check", data=LOGIN | credentials)


def test_login_redirects_to_success_with_a_session_cookie(api: Caller) -> None:
    """The right password is answered 302, with a cookie and a location that contains login/ajaxSuccess."""
    answer = _check(api)
    assert answer.status_code == 302
    assert answer.headers["location"] == "http://acme.test/login/ajaxSuccess"
    assert answer.headers["set-cookie"].startswith("JSESSIONID=")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_takes_credentials_from_the_query(api: Caller, method: str) -> None:
    """Public clients send the credentials in the query, by GET as well as by POST."""
    api.forget_cookies()
    answer = api.request(method, "/j_spring_security_check", params=LOGIN)
    assert "login/ajaxSuccess" in answer.headers["location"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_success_page_tells_the_token_and_who_it_is(api: Caller, method: str) -> None:
    """The location of a login answers 200 with the token and the user's data."""
    content = api.request(method, "/login/ajaxSuccess").json()
    assert content["token"]
    assert content["role"] == ["ROLE_ADMIN"]
    assert {"email", "firstName", "lastName"} <= content.keys()


def test_success_page_is_closed_without_a_session(api: Caller) -> None:
    """Nobody is told a token without the cookie."""
    api.forget_cookies()
    assert refusal(api.request("GET", "/login/ajaxSuccess"))[1] == "no_credentials"


@pytest.mark.parametrize("wrong", [{"j_username": "someone"}, {"j_password": "guess"}])
def test_wrong_credentials_get_no_session(api: Caller, wrong: dict[str, str]) -> None:
    """A wrong name or password redirects elsewhere, without a cookie."""
    answer = _check(api, **wrong)
    assert answer.status_code == 302
    assert "ajaxSuccess" not in answer.headers["location"]
    assert "set-cookie" not in answer.headers


def test_requests_without_a_session_are_refused(api: Caller) -> None:
    """The API answers no_credentials to whoever did not log in."""
    api.forget_cookies()
    assert refusal(api.get())[:2] == (401, "no_credentials")


def test_status_of_no_credentials_is_a_setting(open_api: Open) -> None:
    """The status of no_credentials is unknown, so it can be set."""
    api = open_api(no_credentials_status=400)
    api.forget_cookies()
    assert refusal(api.get())[:2] == (400, "no_credentials")


@pytest.mark.parametrize(("accepts", "status"), [(True, 200), (False, 401)])
def test_bearer_token_counts_where_the_setting_says_so(open_api: Open, accepts: bool, status: int) -> None:  # noqa: FBT001 - a parameter of the test
    """The token of the login opens the API without the cookie, unless that is switched off."""
    api = open_api(accepts_bearer=accepts)
    token = api.request("GET", "/login/ajaxSuccess").json()["token"]
    api.forget_cookies()
    answer = api.request("GET", "/api/v2.1/customers", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status


def test_session_expires_after_its_requests(api: Caller) -> None:
    """With three requests a session, the fourth is no_credentials until the next login."""
    api.app.faults = Faults(session_requests=3)
    assert [api.get().status_code for _ in range(4)] == [200, 200, 200, 401]
    api.log_in()
    assert api.get().status_code == 200


def test_session_expires_after_its_seconds(api: Caller, time: FakeTime) -> None:
    """With a minute a session, a request after a minute is no_credentials."""
    api.app.faults = Faults(session_seconds=60)
    time.seconds += 59
    assert api.get().status_code == 200
    time.seconds += 1
    assert api.get().status_code == 401


def test_refused_credentials_deny_login_and_requests(api: Caller) -> None:
    """401 for all refuses living sessions as well as new logins."""
    api.app.faults = Faults(refuse_credentials=401)
    assert refusal(api.get())[:2] == (401, "no_credentials")
    assert "ajaxSuccess" not in _check(api).headers["location"]


def test_forbidden_requests_leave_the_login_alone(api: Caller) -> None:
    """403 for all lets in, but nothing may be done."""
    api.app.faults = Faults(refuse_credentials=403)
    assert "ajaxSuccess" in _check(api).headers["location"]
    assert api.get().status_code == 403


def test_reset_ends_sessions(api: Caller) -> None:
    """After a reset everybody logs in again."""
    api.app.reset()
    assert api.get().status_code == 401


def test_settings_hide_the_password() -> None:
    """The settings do not show the password when printed."""
    assert "hush" not in repr(ValomniaSettings(password="hush"))
