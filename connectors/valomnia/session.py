"""Signs in to Valomnia and keeps the session alive, as an `httpx.Auth`; touches no network itself.

No vendor page describes it: the two steps are those of public clients (`j_spring_security_check`, then the address of
its redirect), and so are the cookie and the bearer token that each request carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field

import httpx
from pydantic import SecretStr

from connectors.protocol import ConnectorError, CredentialsError, TransientError
from connectors.transport import Origin, Reply
from connectors.valomnia.answer import Action, action_for, error_code, failure, parse_object, session_ended

_COOKIE = "JSESSIONID"
_SUCCESS = "login/ajaxSuccess"
SIGN_IN = "login"  # the operation of a request that wants a session and nothing else: it is not sent itself


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was signed in for; `headers` are what every request of it carries."""

    headers: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, cookie: str, token: object) -> Session:
        """Prepare the headers, once for many requests; a token is optional."""
        headers = {"Cookie": f"{_COOKIE}={cookie}"}
        if isinstance(token, str) and token.isascii() and token.isprintable():
            headers["Authorization"] = f"Bearer {token}"
        return cls(headers)


class SessionAuth(httpx.Auth):
    """Signs requests with the session; where it has ended, signs in once for all that are in flight.

    A request is repeated once; a session refused again raises CredentialsError. What a failed sign-in raised is raised
    for all that waited for it, and refused credentials are not offered a second time.
    """

    def __init__(self, origin: Origin, login_path: str, username: str, password: SecretStr) -> None:
        self._origin = origin
        self._login_path = login_path
        self._username = username
        self._password = password
        self._session: Session | None = None
        self._failure: ConnectorError | None = None
        self._failures = 0
        self._proven: Session | None = None
        self._renewing = asyncio.Lock()

    @property
    def session(self) -> Session | None:
        """The session that is thought to be alive."""
        return self._session

    def end(self, session: Session) -> None:
        """Note that the server no longer knows this session; a newer one stays."""
        if self._session is session:
            self._session = None

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the session; where there is none or it has ended, sign in and send (again)."""
        if (session := self._session) is not None:
            response = yield self._signed(request, session)
            if not session_ended(response.status_code, await response.aread()):
                return
            self.end(session)
        failures = self._failures
        async with self._renewing:
            if self._session is None:
                self._expect_no_failure(failures)
                try:
                    answer = yield self._login_request()
                    await answer.aread()
                    welcome = yield self._welcome_request(answer)
                    await welcome.aread()
                    self._session = self._welcomed(answer, welcome)
                except ConnectorError as error:
                    self._fail(error)
                    raise
                except GeneratorExit:  # httpx does not throw in here what sending met: it just ends the flow
                    self._fail(TransientError("valomnia: login: no answer"))
                    raise
            session = self._session
        if request.extensions.get("operation") == SIGN_IN:
            return
        response = yield self._signed(request, session)
        if not session_ended(response.status_code, await response.aread()):
            self._proven = session
        elif session is self._proven:  # it worked for others, and is over already
            self.end(session)
            raise TransientError("valomnia: login: the new session ended at once")
        else:
            refused = CredentialsError("valomnia: login: signed in, but the new session is refused")
            self._fail(refused)
            raise refused

    def _fail(self, error: ConnectorError) -> None:
        self._failure = error
        self._failures += 1

    def _expect_no_failure(self, failures: int) -> None:
        """Raise what an earlier sign-in raised, if it was final or this request has waited for it."""
        if self._failure is not None and (isinstance(self._failure, CredentialsError) or self._failures != failures):
            raise self._failure

    def _signed(self, request: httpx.Request, session: Session) -> httpx.Request:
        request.headers.update(session.headers)
        return request

    def _login_request(self) -> httpx.Request:
        form = {"j_username": self._username, "j_password": self._password.get_secret_value(), "ajax": "true"}
        return httpx.Request("POST", self._url(self._login_path), data=form, extensions={"operation": SIGN_IN})

    def _welcome_request(self, answer: httpx.Response) -> httpx.Request:
        """Go where the redirect points, on our own origin: its host may be the one behind a proxy."""
        self._expect_working(answer)
        location = answer.headers.get("Location", "")
        cookie = _session_cookie(answer)
        if not answer.is_redirect or _SUCCESS not in location or cookie is None:
            raise CredentialsError(f"valomnia: login: user name or password refused (status {answer.status_code})")
        target = httpx.URL(self._origin.root).join(location).raw_path.decode("ascii")
        headers = {"Cookie": f"{_COOKIE}={cookie}"}
        return httpx.Request("GET", f"{self._origin.root}{target}", headers=headers, extensions={"operation": SIGN_IN})

    def _welcomed(self, answer: httpx.Response, welcome: httpx.Response) -> Session:
        self._expect_working(welcome)
        content = parse_object(welcome.content)
        if welcome.status_code != httpx.codes.OK or content is None:
            raise CredentialsError(f"valomnia: login: no session was opened (status {welcome.status_code})")
        cookie = _session_cookie(welcome) or _session_cookie(answer)
        return Session.of(cookie or "", content.get("token"))

    def _expect_working(self, response: httpx.Response) -> None:
        """Raise TransientError or ThrottledError where the server, not the credentials, is to blame."""
        reply = Reply(response.status_code, response.headers, response.content)
        action = action_for(reply.status, error_code(parse_object(reply.body)))
        if action in {Action.TRANSIENT, Action.THROTTLED}:
            raise failure(action, reply, "login")

    def _url(self, path: str) -> str:
        return f"{self._origin.root}{self._origin.prefix}{path}"


def _session_cookie(response: httpx.Response) -> str | None:
    """Read the session id out of `Set-Cookie`, without a jar: it goes to one origin, under one name."""
    for header in response.headers.get_list("Set-Cookie"):
        name, _, value = header.partition(";")[0].partition("=")
        if name.strip() == _COOKIE and value.strip().isprintable() and value.strip():
            return str(value.strip())
    return None
