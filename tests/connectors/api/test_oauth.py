"""Tokens by client credentials: what is asked for, and what is made of every answer."""

from __future__ import annotations

import math
from urllib.parse import parse_qsl

import httpx
import pytest
from pydantic import SecretStr

from connectors.api.auth import Session
from connectors.api.oauth import ClientCredentials
from connectors.protocol import ConnectorError, CredentialsError, PermanentError, ThrottledError, TransientError

URL = "https://auth.acme.example/token"
SECRET = "canary:secret+ü"
BASIC = ClientCredentials("acme", URL, "canary client", SecretStr(SECRET), "basic", more={"x-tenant-id": "canary-7"})
FORM = ClientCredentials("acme", URL, "canary client", SecretStr(SECRET), "form", "customers.write")


def asked(credentials: ClientCredentials) -> httpx.Request:
    """Give the request for a token."""
    return next(credentials.sign_in())


def signed_in(answer: httpx.Response, credentials: ClientCredentials = BASIC) -> Session:
    """Sign in where the server answers so."""
    steps = credentials.sign_in()
    next(steps)
    with pytest.raises(StopIteration) as done:
        steps.send(answer)
    session = done.value.value
    assert isinstance(session, Session)
    return session


def token(**more: object) -> httpx.Response:
    """Hand out a token."""
    return httpx.Response(200, json={"access_token": "canary-token", "token_type": "Bearer", **more})


def failed(answer: httpx.Response) -> ConnectorError:
    """Give the error that an answer raises."""
    steps = BASIC.sign_in()
    next(steps)
    with pytest.raises(ConnectorError) as caught:
        steps.send(answer)
    return caught.value


def test_basic_credentials_are_encoded_first_and_kept_out_of_the_form() -> None:
    """RFC 6749, section 2.3.1: each part is form-encoded, so that a colon in the secret parts nothing."""
    request = asked(BASIC)
    # printf 'canary+client:canary%%3Asecret%%2B%%C3%%BC' | base64
    expected = "Basic Y2FuYXJ5K2NsaWVudDpjYW5hcnklM0FzZWNyZXQlMkIlQzMlQkM="
    assert (request.method, str(request.url), request.headers["Authorization"]) == ("POST", URL, expected)
    assert parse_qsl(request.content.decode()) == [("grant_type", "client_credentials")]
    assert "x-tenant-id" not in request.headers


def test_credentials_of_the_form_are_in_no_header() -> None:
    """With the scope, where one is asked for."""
    request = asked(FORM)
    assert "Authorization" not in request.headers
    assert dict(parse_qsl(request.content.decode())) == {
        "grant_type": "client_credentials",
        "scope": "customers.write",
        "client_id": "canary client",
        "client_secret": SECRET,
    }


def test_a_token_signs_requests_beside_the_other_headers() -> None:
    """201 is as good as 200."""
    headers = {"x-tenant-id": "canary-7", "Authorization": "Bearer canary-token"}
    assert signed_in(token()).headers == headers
    assert signed_in(httpx.Response(201, json={"access_token": "canary-token"})).headers == headers


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (3600, 3540),
        (3600.5, 3540.5),
        ("3600", 3540),
        (" 90 ", 45),
        (100, 50),
        (1, 0.5),
        ("0", math.inf),
        (0, math.inf),
        (-5, math.inf),
        ("-5", math.inf),
        (1e308, 1e308 - 60),
        (10**400, math.inf),
        ("9" * 400, math.inf),
        ("9" * 5000, math.inf),
        ("²", math.inf),
        ("soon", math.inf),
        ("", math.inf),
        (None, math.inf),
        (True, math.inf),
        ([3600], math.inf),
        ({"seconds": 3600}, math.inf),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(told: object, seconds: float) -> None:
    """A minute before, or at half its life; with no figure that makes sense, until it is refused."""
    assert signed_in(token(expires_in=told)).seconds == seconds


@pytest.mark.parametrize("body", [b'{"access_token": "t", "expires_in": NaN}', b'{"access_token": "t"}'])
def test_without_a_figure_a_token_is_used_until_it_is_refused(body: bytes) -> None:
    """NaN is none either."""
    assert signed_in(httpx.Response(200, content=body)).seconds == math.inf


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_told_with_the_standards_word(status: int) -> None:
    """And with no other word of the server's, whatever it sends."""
    error = failed(httpx.Response(status, json={"error": "invalid_client", "error_description": "canary"}))
    assert isinstance(error, CredentialsError)
    assert str(error) == f"acme: login: status {status}: client id or secret refused (invalid_client)"


@pytest.mark.parametrize("told", [{"code": "canary"}, ["invalid_client"], "canary", 7, None, ""])
def test_an_error_of_another_form_is_refused_credentials_all_the_same(told: object) -> None:
    """An object or a list where a word should be breaks nothing."""
    error = failed(httpx.Response(400, json={"error": told}))
    assert isinstance(error, CredentialsError)
    assert str(error) == "acme: login: status 400: client id or secret refused"


@pytest.mark.parametrize("content", [b"", b"<html>canary", b"[]", b"null", b"\xff\xfe"])
def test_a_refusal_without_json_is_one(content: bytes) -> None:
    """The status decides."""
    assert isinstance(failed(httpx.Response(401, content=content)), CredentialsError)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, ThrottledError), (408, TransientError), (500, TransientError), (503, TransientError), (302, PermanentError),
     (404, PermanentError), (204, PermanentError)],
)  # fmt: skip
def test_a_server_that_is_away_is_asked_again_and_a_stranger_is_not(status: int, kind: type[ConnectorError]) -> None:
    """Nothing but the credentials' refusal is told as theirs."""
    error = failed(httpx.Response(status, content=b"canary", headers={"Retry-After": "7"}))
    assert type(error) is kind
    assert f"status {status}" in str(error)
    if isinstance(error, TransientError):
        assert error.delay_seconds == 7


@pytest.mark.parametrize(
    "content",
    [{}, {"access_token": None}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a\r\nb"},
     {"access_token": "canary-ü"}, ["canary"]],
)  # fmt: skip
def test_a_success_without_a_usable_token_is_none(content: object) -> None:
    """A token with a line break would write headers of its own."""
    error = failed(httpx.Response(200, json=content))
    assert type(error) is TransientError
    assert "canary" not in str(error)


def test_no_secret_is_shown() -> None:
    """Neither who asks, nor the secret, nor the token, nor the other headers."""
    for text in (repr(BASIC), str(BASIC), repr(FORM), repr(signed_in(token()))):
        assert not [word for word in ("canary", SECRET, "token-") if word in text], text
