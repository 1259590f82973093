"""JTL-Wawi's tokens in the cloud: OAuth 2.0 client credentials at `/oauth2/token`, sent by HTTP Basic.

Inferred: errors are those of RFC 6749; id and secret may be percent-encoded, as that RFC has it, or not; any other
field of the form, a scope included, is not looked at.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults
from connectors.sandbox.form import FormError
from connectors.sandbox.jtl.setting import JtlSettings

TOKEN: Final = ("oauth2", "token")
_UNAUTHORIZED: Final = 401


@dataclass(slots=True)
class _Session:
    since: float
    requests: int = 0


class TokenDesk:
    """Hands out tokens and looks at them; one ends by its time, by the faults' limits, or with `clear`."""

    def __init__(self, settings: JtlSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def handles(self, request: Request) -> bool:
        """Say whether this is a request for a token; on premises there are none."""
        return self._settings.api_key is None and request.segments == TOKEN

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a token, or an error of OAuth."""
        if request.method != "POST":
            return _with_header(_oauth_error(405, "invalid_request"), b"allow", b"POST")
        if faults.refuse_credentials == _UNAUTHORIZED or not self._trusts(request):
            return _with_header(_oauth_error(401, "invalid_client"), b"www-authenticate", b"Basic")
        try:
            grant = request.form.fields.get("grant_type")
        except FormError:
            grant = None
        if grant is None:
            return _oauth_error(400, "invalid_request")
        if grant != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type")
        token = secrets.token_urlsafe(32)
        self._sessions[token] = _Session(self._clock.monotonic())
        content = {"access_token": token, "token_type": "bearer", "expires_in": self._settings.token_seconds}
        return _with_header(json_reply(200, content), b"cache-control", b"no-store")

    def admits(self, request: Request, faults: Faults) -> bool:
        """Say whether the request bears the key of the premises or a living token, and count it."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        key = self._settings.api_key
        if faults.refuse_credentials == _UNAUTHORIZED:
            return False
        if key is not None:
            return scheme.lower() == "wawi" and _same(given, key)
        session = self._find(given, faults) if scheme.lower() == "bearer" else None
        if session is not None:
            session.requests += 1
        return session is not None

    def clear(self) -> None:
        """End all tokens."""
        self._sessions.clear()

    def _find(self, token: str, faults: Faults) -> _Session | None:
        session = self._sessions.get(token)
        if session is None:
            return None
        age = self._clock.monotonic() - session.since
        worn = faults.session_requests is not None and session.requests >= faults.session_requests
        cut_short = faults.session_seconds is not None and age >= faults.session_seconds
        if worn or cut_short or age >= self._settings.token_seconds:
            del self._sessions[token]
            return None
        return session

    def _trusts(self, request: Request) -> bool:
        scheme, _, packed = request.headers.get("authorization", "").partition(" ")
        try:
            plain = base64.b64decode(packed, validate=True).decode()
        except ValueError:
            return False
        given = plain.split(":", 1)
        wanted = [self._settings.client_id, self._settings.client_secret]
        return scheme.lower() == "basic" and any(
            _same("\0".join(pair), "\0".join(wanted)) for pair in (given, [unquote_plus(part) for part in given])
        )


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _oauth_error(status: int, error: str) -> Reply:
    return json_reply(status, {"error": error})


def _with_header(reply: Reply, name: bytes, value: bytes) -> Reply:
    return replace(reply, headers=(*reply.headers, (name, value)))
