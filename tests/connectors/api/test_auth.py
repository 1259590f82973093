"""Sessions: signed in once for all, renewed in time, and never again with credentials that were refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

import httpx
import pytest

from connectors.api.auth import SIGN_IN, FixedAuth, Session, SessionAuth
from connectors.protocol import ConnectorError, CredentialsError, PermanentError, ThrottledError, TransientError

ORIGIN = "https://api.acme.example"
IN_FLIGHT = 10

T = TypeVar("T")


class Server:
    """Hands out sessions that end when told, and answers requests of those that live; `time` is what clocks show.

    `refuse` makes the next sign-ins fail with these errors; `stillborn` sessions are refused from the first.
    """

    def __init__(self, *, seconds: float = 3600.0, refuse: tuple[ConnectorError, ...] = ()) -> None:
        self.time = 0.0
        self.seconds = seconds
        self.refuse = list(refuse)
        self.stillborn = False
        self.logins = 0
        self.live: set[str] = set()
        self.seen: list[tuple[str, str | None]] = []
        self.lost = False  # sign-ins get no answer
        self.auth = SessionAuth("acme", self.sign_in, lambda status, _: status == 401, lambda: self.time)

    def sign_in(self) -> Generator[httpx.Request, httpx.Response, Session]:
        """Sign in with one request."""
        answer = yield httpx.Request("POST", f"{ORIGIN}/login", content=b"canary-secret")
        if self.refuse:
            raise self.refuse.pop(0)
        return Session({"Authorization": f"Bearer {answer.text}"}, self.seconds)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, after all others that are in flight were sent."""
        await asyncio.sleep(0.001)
        if request.url.path == "/login":
            if self.lost:
                raise TransientError("acme: login: no connection")
            self.logins += 1
            name = f"canary-{self.logins}"
            if not self.stillborn:
                self.live.add(name)
            return httpx.Response(200, text=name)
        signed = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append((request.url.path, signed or None))
        return httpx.Response(200 if signed in self.live else 401)

    def run(self, act: Callable[[httpx.AsyncClient], Coroutine[Any, Any, T]]) -> T:
        """Do something with a client of this server."""

        async def main() -> T:
            transport = httpx.MockTransport(self.answer)
            async with httpx.AsyncClient(transport=transport, auth=self.auth, base_url=ORIGIN) as client:
                return await act(client)

        return asyncio.run(main())


async def get(client: httpx.AsyncClient, path: str = "/customers") -> int:
    """Ask for something; gives the status."""
    return (await client.get(path)).status_code


async def all_at_once(client: httpx.AsyncClient) -> list[int | BaseException]:
    """Ask for ten things at once."""
    return await asyncio.gather(*(get(client, f"/{n}") for n in range(IN_FLIGHT)), return_exceptions=True)


def test_all_that_are_in_flight_sign_in_once() -> None:
    """The first request signs in, the others wait for it and go with its session."""
    server = Server()
    assert server.run(all_at_once) == [200] * IN_FLIGHT
    assert server.logins == 1
    assert {signed for _, signed in server.seen} == {"canary-1"}
    assert len(server.seen) == IN_FLIGHT


def test_a_request_that_wants_the_session_alone_is_not_sent() -> None:
    """Entering a target signs in, and asks the API for nothing."""
    server = Server()

    async def act(client: httpx.AsyncClient) -> None:
        await client.send(client.build_request("GET", "/", extensions={"operation": SIGN_IN}))

    server.run(act)
    assert (server.logins, server.seen) == (1, [])


def test_a_session_is_renewed_before_its_end() -> None:
    """No request is spent on finding out, and before the time nobody signs in."""
    server = Server(seconds=100)

    async def act(client: httpx.AsyncClient) -> list[int]:
        statuses = [await get(client)]
        server.time = 99.9
        statuses.append(await get(client))
        server.time = 100.0
        server.live.clear()
        return [*statuses, *(status for status in await all_at_once(client) if isinstance(status, int))]

    assert server.run(act) == [200] * (2 + IN_FLIGHT)
    assert server.logins == 2
    assert [signed for _, signed in server.seen] == ["canary-1"] * 2 + ["canary-2"] * IN_FLIGHT


def test_a_session_that_ended_is_renewed_once_for_all() -> None:
    """Ten requests are refused together; one signs in, and each is repeated once."""
    server = Server()

    async def act(client: httpx.AsyncClient) -> list[int | BaseException]:
        await get(client)
        server.live.clear()
        return await all_at_once(client)

    assert server.run(act) == [200] * IN_FLIGHT
    assert server.logins == 2
    assert [signed for _, signed in server.seen[1:]] == ["canary-1"] * IN_FLIGHT + ["canary-2"] * IN_FLIGHT


def test_a_late_refusal_does_not_end_the_newer_session() -> None:
    """Ending an old session leaves the present one."""
    server = Server()

    async def act(client: httpx.AsyncClient) -> None:
        await get(client)
        old = server.auth.session
        assert old is not None
        server.auth.end(old)
        await get(client)
        server.auth.end(old)
        await get(client)

    server.run(act)
    assert server.logins == 2


@pytest.mark.parametrize(
    "failure", [TransientError("acme: login: status 503"), ThrottledError("acme: login: status 429", 3.0)]
)
def test_a_failed_sign_in_is_told_to_all_that_waited(failure: ConnectorError) -> None:
    """Ten requests do not knock ten times; the next one does."""
    server = Server(refuse=(failure,))

    async def act(client: httpx.AsyncClient) -> tuple[list[int | BaseException], int]:
        return await all_at_once(client), await get(client)

    failures, later = server.run(act)
    assert failures == [failure] * IN_FLIGHT
    assert (later, server.logins) == (200, 2)


def test_a_sign_in_without_an_answer_is_told_to_all_that_waited() -> None:
    """The connection is lost below the auth, which hears nothing of it."""
    server = Server()
    server.lost = True

    async def act(client: httpx.AsyncClient) -> tuple[list[int | BaseException], int]:
        failed = await all_at_once(client)
        server.lost = False
        return failed, await get(client)

    failures, later = server.run(act)
    assert [type(failure) for failure in failures] == [TransientError] * IN_FLIGHT
    assert {str(failure) for failure in failures} == {"acme: login: no connection", "acme: login: no answer"}
    assert (later, server.logins) == (200, 1)


def test_refused_credentials_are_not_offered_twice() -> None:
    """Another try could lock the account: the same error comes without a request."""
    refused = CredentialsError("acme: login: status 401: refused")
    server = Server(refuse=(refused,))

    async def act(client: httpx.AsyncClient) -> tuple[list[int | BaseException], BaseException]:
        first = await all_at_once(client)
        with pytest.raises(CredentialsError) as caught:
            await get(client)
        return first, caught.value

    first, later = server.run(act)
    assert [*first, later] == [refused] * (IN_FLIGHT + 1)
    assert (server.logins, server.seen) == (1, [])


def test_a_new_session_that_is_refused_is_the_credentials_fault() -> None:
    """Signing in again would have no end."""
    server = Server()
    server.stillborn = True

    async def act(client: httpx.AsyncClient) -> list[int | BaseException]:
        with pytest.raises(CredentialsError, match="the new session is refused"):
            await get(client)
        return await all_at_once(client)

    assert [type(each) for each in server.run(act)] == [CredentialsError] * IN_FLIGHT
    assert (server.logins, len(server.seen)) == (1, 1)


def test_a_new_session_that_worked_for_others_and_is_over_is_no_refusal() -> None:
    """A server that restarts ends a session in the middle of a burst: later tries sign in again."""
    server = Server()
    asked = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if request.url.path == "/late":
            await asyncio.sleep(0.05)
            server.live.clear()
        asked += 1
        return await Server.answer(server, request)

    async def act() -> tuple[list[int | BaseException], int]:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(transport=transport, auth=server.auth, base_url=ORIGIN) as client:
            both = await asyncio.gather(get(client, "/early"), get(client, "/late"), return_exceptions=True)
            return list(both), await get(client)

    (early, late), later = asyncio.run(act())
    assert (early, later) == (200, 200)
    assert type(late) is TransientError
    assert "ended at once" in str(late)


def test_an_error_that_is_not_final_is_raised_as_it_came() -> None:
    """A permanent one too, to all that waited."""
    strange = PermanentError("acme: login: status 404")
    server = Server(refuse=(strange,))
    assert server.run(all_at_once) == [strange] * IN_FLIGHT


def test_fixed_headers_go_with_every_request_and_never_end() -> None:
    """A key is not signed in with, so a refusal is an answer like any other."""
    auth = FixedAuth({"X-Api-Key": "canary"})
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["X-Api-Key"])
        return httpx.Response(401)

    async def act() -> int:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), auth=auth, base_url=ORIGIN) as client:
            return await get(client)

    assert (asyncio.run(act()), seen) == (401, ["canary"])
    assert auth.session is not None
    auth.end(auth.session)
    assert not auth.ended(401, b"")
    assert auth.session is not None


def test_no_secret_is_shown() -> None:
    """Neither in what is printed of a session or an auth, nor in the error of a refused one."""
    server = Server()

    async def act(client: httpx.AsyncClient) -> list[str]:
        await get(client)
        shown = [repr(server.auth), repr(server.auth.session), str(server.auth.session)]
        server.live.clear()
        server.stillborn = True
        with pytest.raises(CredentialsError) as caught:
            await get(client)
        return [*shown, repr(caught.value), repr(caught.value.__cause__), repr(FixedAuth({"X-Api-Key": "canary"}))]

    assert not [text for text in server.run(act) if "canary" in text]
