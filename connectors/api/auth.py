"""Signs requests, and signs in once for all that are in flight together; as `httpx.Auth` it touches no network."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass, field

import httpx

from connectors.protocol import ConnectorError, CredentialsError, TransientError

SIGN_IN = "login"  # the operation of a request that wants a session and nothing else: it is not sent itself


@dataclass(frozen=True, slots=True)
class Session:
    """What was signed in for; `headers` are what every request of it carries, `seconds` how long it is to be used."""

    headers: Mapping[str, str] = field(repr=False)
    seconds: float = math.inf


SignIn = Callable[[], Generator[httpx.Request, httpx.Response, Session]]
"""Signs in: yields its requests, is sent their answers (read), returns the session; raises the connector's errors."""


class FixedAuth(httpx.Auth):
    """Signs every request with the same headers, which nothing renews."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.session: Session | None = Session(headers)

    def ended(self, status: int, body: bytes) -> bool:  # noqa: ARG002 - as SessionAuth has it
        """Say that no answer ends it."""
        return False

    def end(self, session: Session) -> None:
        """Change nothing: it is all that there is."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the headers."""
        assert self.session is not None
        request.headers.update(self.session.headers)
        yield request


class _Steps:
    """A sign-in under way."""

    def __init__(self, steps: Generator[httpx.Request, httpx.Response, Session]) -> None:
        self._steps = steps
        self.answer: httpx.Response | None = None
        self.session: Session | None = None

    def next(self) -> httpx.Request | None:
        """Give the next request; None once there is a session."""
        try:
            return next(self._steps) if self.answer is None else self._steps.send(self.answer)
        except StopIteration as done:
            self.session = done.value
            return None


class SessionAuth(httpx.Auth):
    """Signs requests with a session; where it has ended or is about to, signs in once for all that are in flight.

    A request is repeated once; a session refused again raises CredentialsError. What a failed sign-in raised is raised
    for all that waited for it, and refused credentials are not offered a second time. `ended` tells from status and
    body that the server wants us to sign in.
    """

    def __init__(
        self,
        connector: str,
        sign_in: SignIn,
        ended: Callable[[int, bytes], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ended = ended
        self._connector = connector
        self._sign_in = sign_in
        self._clock = clock
        self._session: Session | None = None
        self._over_at = math.inf
        self._failure: ConnectorError | None = None
        self._failures = 0
        self._proven: Session | None = None
        self._renewing = asyncio.Lock()

    @property
    def session(self) -> Session | None:
        """The session that is thought to be alive."""
        if self._session is not None and self._clock() >= self._over_at:
            self._session = None
        return self._session

    def end(self, session: Session) -> None:
        """Note that the server no longer knows this session; a newer one stays."""
        if self._session is session:
            self._session = None

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the session; where there is none or it has ended, sign in and send (again)."""
        if (session := self.session) is not None:
            response = yield self._signed(request, session)
            if not self.ended(response.status_code, await response.aread()):
                return
            self.end(session)
        failures = self._failures
        async with self._renewing:
            if self.session is None:
                self._expect_no_failure(failures)
                steps = _Steps(self._sign_in())
                try:
                    while (step := steps.next()) is not None:
                        steps.answer = yield step
                        await steps.answer.aread()
                    self._begin(steps.session)
                except ConnectorError as error:
                    self._fail(error)
                    raise
                except GeneratorExit:  # httpx does not throw in here what sending met: it just ends the flow
                    self._fail(TransientError(f"{self._connector}: login: no answer"))
                    raise
            session = self._session
        assert session is not None
        if request.extensions.get("operation") == SIGN_IN:
            return
        response = yield self._signed(request, session)
        if not self.ended(response.status_code, await response.aread()):
            self._proven = session
        elif session is self._proven:  # it worked for others, and is over already
            self.end(session)
            raise TransientError(f"{self._connector}: login: the new session ended at once")
        else:
            self.end(session)  # nobody needs to try it once more
            refused = CredentialsError(f"{self._connector}: login: signed in, but the new session is refused")
            self._fail(refused)
            raise refused

    def _begin(self, session: Session | None) -> None:
        assert session is not None, "a sign-in that ends has a session"
        self._session = session
        self._over_at = self._clock() + session.seconds

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
