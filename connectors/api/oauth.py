"""Fetches a token with OAuth 2 client credentials (RFC 6749, section 4.4); keeps none, and shows none."""

from __future__ import annotations

import base64
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote_plus

import httpx
from pydantic import SecretStr

from connectors.api.auth import SIGN_IN, Session
from connectors.api.body import parse_object
from connectors.api.transport import retry_after
from connectors.protocol import CredentialsError, PermanentError, ThrottledError, TransientError

_MARGIN_SECONDS = 60.0  # a token is renewed so long before its end, or at half its life if that is later


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Who asks for a token, where, and how: in the `Authorization` header (Basic) or in the form.

    `more` are headers that every request carries beside the token.
    """

    connector: str
    token_url: str
    client_id: str = field(repr=False)
    client_secret: SecretStr
    sent: Literal["basic", "form"]
    scope: str | None = None
    more: Mapping[str, str] = field(default_factory=dict, repr=False)

    def sign_in(self) -> Generator[httpx.Request, httpx.Response, Session]:
        """Ask for a token. Raises CredentialsError where it is refused, TransientError where the server is away."""
        answer = yield self._request()
        content = parse_object(answer.content) or {}
        where = f"{self.connector}: login: status {answer.status_code}"
        match answer.status_code:
            case httpx.codes.OK | httpx.codes.CREATED:
                pass
            case httpx.codes.TOO_MANY_REQUESTS:
                raise ThrottledError(where, retry_after(answer.headers))
            case status if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
                raise TransientError(where, retry_after(answer.headers))
            case httpx.codes.BAD_REQUEST | httpx.codes.UNAUTHORIZED | httpx.codes.FORBIDDEN:
                raise CredentialsError(f"{where}: client id or secret refused{_named(content)}")
            case _:
                raise PermanentError(f"{where}: not an answer that a token endpoint gives")
        token = content.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise TransientError(f"{where}: the answer holds no token")
        return Session({**self.more, "Authorization": f"Bearer {token}"}, _usable(content.get("expires_in")))

    def _request(self) -> httpx.Request:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        headers = {"Accept": "application/json"}
        secret = self.client_secret.get_secret_value()
        if self.sent == "basic":  # each part form-encoded first: RFC 6749, section 2.3.1
            pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        else:
            form |= {"client_id": self.client_id, "client_secret": secret}
        return httpx.Request("POST", self.token_url, data=form, headers=headers, extensions={"operation": SIGN_IN})


_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)


def _named(content: Mapping[str, object]) -> str:
    """Name the error that the standard knows; other words are not shown."""
    error = content.get("error")
    return f" ({error})" if isinstance(error, str) and error in _ERRORS else ""


def _usable(expires_in: object) -> float:
    """Say how many seconds a token is to be used; without a sensible word from the server until it is refused."""
    seconds = _seconds(expires_in)
    return max(seconds - _MARGIN_SECONDS, seconds / 2) if seconds > 0 else math.inf  # NaN is not


def _seconds(told: object) -> float:
    """Read a life in seconds, which some servers write as text; 0 where it is none."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return 0.0
    try:
        return float(told)
    except (ValueError, OverflowError):  # OverflowError: a whole number of hundreds of digits
        return 0.0
