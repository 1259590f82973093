"""Valomnia's login and sessions, as public clients use them: the vendor's page on it was not found.

`j_spring_security_check` takes `j_username`, `j_password` and `ajax=true` as a form or in the query, and redirects to
`login/ajaxSuccess`, which tells the token. What a failed login answers is inferred: a redirect to `login/authfail`.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults
from connectors.sandbox.form import FormError
from connectors.sandbox.valomnia.refusal import ApiError
from connectors.sandbox.valomnia.setting import ValomniaSettings

CHECK = ("j_spring_security_check",)
SUCCESS = ("login", "ajaxSuccess")
COOKIE = "JSESSIONID"
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


@dataclass(slots=True)
class _Session:
    token: str
    since: float
    requests: int = 0


class SessionDesk:
    """Hands out sessions and looks at them; a session ends by the faults' limits or with `clear`."""

    def __init__(self, settings: ValomniaSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._tokens: dict[str, str] = {}

    def handles(self, request: Request) -> bool:
        """Say whether this is a request to log in."""
        return request.segments in (CHECK, SUCCESS)

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Log in, or tell the token of the session that the cookie names."""
        if request.segments == CHECK:
            return self._log_in(request, faults)
        session = self._find(request, faults)
        if session is None:
            return self.no_credentials()
        user = self._settings.username
        content = {
            "success": True,
            "username": user,
            "token": session.token,
            "email": f"{user}@example.com",
            "firstName": "Sandbox",
            "lastName": "User",
            "role": ["ROLE_ADMIN"],
        }
        return json_reply(200, content)

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let a request in that bears a living session, and count it; else answer `no_credentials` (or 403)."""
        if faults.refuse_credentials == _FORBIDDEN:
            return ApiError(403, "forbidden", "You are not allowed to do this.").reply
        session = self._find(request, faults)
        if session is None:
            return self.no_credentials()
        session.requests += 1
        return None

    def no_credentials(self) -> Reply:
        """Make the answer to a request without a living session; its description is inferred."""
        return ApiError(self._settings.no_credentials_status, "no_credentials", "You are not logged in.").reply

    def clear(self) -> None:
        """End all sessions."""
        self._sessions.clear()
        self._tokens.clear()

    def _log_in(self, request: Request, faults: Faults) -> Reply:
        try:
            given = {**request.query, **request.form.fields}
        except FormError:
            given = dict(request.query)
        known = _same(given.get("j_username", ""), self._settings.username)
        trusted = known and _same(given.get("j_password", ""), self._settings.password)
        if not trusted or faults.refuse_credentials == _UNAUTHORIZED:
            return _redirect(f"{request.origin}/login/authfail?login_error=1")
        key, token = secrets.token_hex(16).upper(), secrets.token_hex(20)
        self._sessions[key] = _Session(token, self._clock.monotonic())
        self._tokens[token] = key
        cookie = (b"set-cookie", f"{COOKIE}={key}; Path=/; HttpOnly".encode())
        target = "login/ajaxSuccess" if given.get("ajax") == "true" else ""
        return _redirect(f"{request.origin}/{target}", cookie)

    def _find(self, request: Request, faults: Faults) -> _Session | None:
        key = self._key(request)
        session = self._sessions.get(key)
        if session is None or faults.refuse_credentials == _UNAUTHORIZED:
            return None
        worn = faults.session_requests is not None and session.requests >= faults.session_requests
        age = self._clock.monotonic() - session.since
        if worn or (faults.session_seconds is not None and age >= faults.session_seconds):
            del self._sessions[key], self._tokens[session.token]
            return None
        return session

    def _key(self, request: Request) -> str:
        for pair in request.headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE:
                return value
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bears = self._settings.accepts_bearer and scheme.lower() == "bearer"
        return self._tokens.get(token.strip(), "") if bears else ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _redirect(location: str, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(302, b"", ((b"location", location.encode("latin-1")), *headers))
