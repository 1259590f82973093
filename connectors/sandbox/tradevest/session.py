"""Tradevest's tokens: client credentials in a form, never Basic; both documented paths are served.

The API reference has `/oauth2/token` and no scope, the guide `/connect/token` with a scope. The error enum has no word
for a scope, so a wrong one is `invalid_request` (inferred); wrong credentials are 400 `invalid_client`, as only 400 is
documented. Every answer about the token to an API request (401, 403) is inferred.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults
from connectors.sandbox.form import URLENCODED, FormError
from connectors.sandbox.tradevest.refusal import ApiError
from connectors.sandbox.tradevest.setting import TradevestSettings

REFERENCE_PATH = ("oauth2", "token")
GUIDE_PATH = ("connect", "token")
_REQUIRED = ("client_id", "client_secret", "grant_type")
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403

TokenError = Literal["invalid_request", "invalid_client", "unsupported_grant_type"]


@dataclass(slots=True)
class _Token:
    since: float
    requests: int = 0


class TokenDesk:
    """Hands out tokens and looks at them; one ends by its lifetime, by the faults' limits or with `clear`."""

    def __init__(self, settings: TradevestSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    def handles(self, request: Request) -> bool:
        """Say whether this is a request for a token."""
        return request.segments in (REFERENCE_PATH, GUIDE_PATH)

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a POST with a token, or 400 with a word of the documented enum."""
        error = self._refusal(request, faults)
        if error is not None:
            return json_reply(400, {"error": error})
        token = secrets.token_urlsafe(32)
        self._tokens[token] = _Token(self._clock.monotonic())
        seconds = self._settings.token_seconds
        return json_reply(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let a request in that bears a living token, and count it."""
        if faults.refuse_credentials == _FORBIDDEN:
            return ApiError(403, "Access denied", code="FORBIDDEN_ERROR").reply
        token = self._find(request, faults)
        if token is None:
            reply = ApiError(401, "The access token is missing or not valid", code="UNAUTHORIZED_ERROR").reply
            return replace(reply, headers=(*reply.headers, (b"www-authenticate", b"Bearer")))
        token.requests += 1
        return None

    def clear(self) -> None:
        """End all tokens."""
        self._tokens.clear()

    def _refusal(self, request: Request, faults: Faults) -> TokenError | None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            fields = request.form.fields if kind == URLENCODED else {}
        except FormError:
            return "invalid_request"
        if not all(fields.get(name) for name in _REQUIRED):
            return "invalid_request"
        if fields["grant_type"] != "client_credentials":
            return "unsupported_grant_type"
        if not self._trusts(fields) or faults.refuse_credentials == _UNAUTHORIZED:
            return "invalid_client"
        if request.segments == GUIDE_PATH and self._settings.scope not in fields.get("scope", "").split(" "):
            return "invalid_request"
        return None

    def _trusts(self, fields: Mapping[str, str]) -> bool:
        known = _same(fields["client_id"], self._settings.client_id)
        return _same(fields["client_secret"], self._settings.client_secret) and known

    def _find(self, request: Request, faults: Faults) -> _Token | None:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = self._tokens.get(text.strip()) if scheme.lower() == "bearer" else None
        if token is None or faults.refuse_credentials == _UNAUTHORIZED:
            return None
        age = self._clock.monotonic() - token.since
        worn = faults.session_requests is not None and token.requests >= faults.session_requests
        cut_short = faults.session_seconds is not None and age >= faults.session_seconds
        if worn or cut_short or age >= self._settings.token_seconds:
            del self._tokens[text.strip()]
            return None
        return token


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
