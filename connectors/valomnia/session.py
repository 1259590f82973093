"""Signs in to Valomnia; keeps no session (`connectors.api.auth` does) and touches no network itself.

No vendor page describes it: the two steps are those of public clients (`j_spring_security_check`, then the address of
its redirect), and so are the cookie and the bearer token that each request carries.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from connectors.api.action import Action
from connectors.api.auth import SIGN_IN, Session
from connectors.api.body import parse_object
from connectors.api.transport import Origin, Reply
from connectors.protocol import CredentialsError
from connectors.valomnia.answer import action_for, error_code, failure

_COOKIE = "JSESSIONID"
_SUCCESS = "login/ajaxSuccess"


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in, and where."""

    origin: Origin
    path: str
    username: str = field(repr=False)
    password: SecretStr

    def sign_in(self) -> Generator[httpx.Request, httpx.Response, Session]:
        """Log in, then go where the redirect points; raises CredentialsError, TransientError or ThrottledError."""
        answer = yield self._login_request()
        welcome = yield self._welcome_request(answer)
        return self._welcomed(answer, welcome)

    def _login_request(self) -> httpx.Request:
        form = {"j_username": self.username, "j_password": self.password.get_secret_value(), "ajax": "true"}
        url = f"{self.origin.root}{self.origin.prefix}{self.path}"
        return httpx.Request("POST", url, data=form, extensions={"operation": SIGN_IN})

    def _welcome_request(self, answer: httpx.Response) -> httpx.Request:
        """Go where the redirect points, on our own origin: its host may be the one behind a proxy."""
        _expect_working(answer)
        location = answer.headers.get("Location", "")
        cookie = _session_cookie(answer)
        if not answer.is_redirect or _SUCCESS not in location or cookie is None:
            raise CredentialsError(f"valomnia: login: user name or password refused (status {answer.status_code})")
        target = httpx.URL(self.origin.root).join(location).raw_path.decode("ascii")
        headers = {"Cookie": f"{_COOKIE}={cookie}"}
        return httpx.Request("GET", f"{self.origin.root}{target}", headers=headers, extensions={"operation": SIGN_IN})

    def _welcomed(self, answer: httpx.Response, welcome: httpx.Response) -> Session:
        _expect_working(welcome)
        content = parse_object(welcome.content)
        if welcome.status_code != httpx.codes.OK or content is None:
            raise CredentialsError(f"valomnia: login: no session was opened (status {welcome.status_code})")
        headers = {"Cookie": f"{_COOKIE}={_session_cookie(welcome) or _session_cookie(answer) or ''}"}
        token = content.get("token")
        if isinstance(token, str) and token.isascii() and token.isprintable():  # a token is optional
            headers["Authorization"] = f"Bearer {token}"
        return Session(headers)


def _expect_working(response: httpx.Response) -> None:
    """Raise TransientError where the server, not the credentials, is to blame."""
    reply = Reply(response.status_code, response.headers, response.content)
    action = action_for(reply.status, error_code(parse_object(reply.body)))
    if action in {Action.TRANSIENT, Action.THROTTLED}:
        raise failure(action, reply, "login")


def _session_cookie(response: httpx.Response) -> str | None:
    """Read the session id out of `Set-Cookie`, without a jar: it goes to one origin, under one name."""
    for header in response.headers.get_list("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        if name.strip() == _COOKIE and value.strip().isprintable() and value.strip():
            return str(value.strip())
    return None
