"""The part of the targets' contract that is about HTTP: what is no success, where nothing goes, who may write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.protocol import (
    Answer,
    CredentialsError,
    PermanentError,
    Row,
    Target,
    ThrottledError,
    TransientError,
)
from connectors.sandbox.fault import Faults, Forced, Strike
from connectors.sandbox.server import running
from tests.contracts.sending import check_silent, delivered, failed, sent, with_target
from tests.contracts.target import WRITES, check_held
from tests.contracts.target_world import WireWorld

IN_FLIGHT = 16


def on_writes(kind: str, **details: Any) -> Faults:
    """Let something happen to the next write, or to as many as `next` says."""
    return Faults(strikes=(Strike(kind=kind, methods=WRITES, **{"next": 1, **details}),))  # type: ignore[arg-type]  # pydantic checks


@contextmanager
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """Serve another origin; gives its address and the paths that it was asked for."""
    asked: list[str] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    with running(app) as url:
        yield url, asked


class WireContract:
    """What holds for every target that speaks HTTP."""

    def test_wrong_credentials_are_told_on_entering(self, world: WireWorld) -> None:
        """Entering proves the credentials: wrong ones raise CredentialsError, which does not show them."""

        async def enter() -> None:
            async with world.impostor():
                pytest.fail("nobody looked at the credentials")

        with pytest.raises(CredentialsError) as caught:
            asyncio.run(enter())
        check_silent(world, world.row(1), caught.value)

    @pytest.mark.parametrize("status", [401, 403])
    def test_credentials_refused_in_the_middle_refuse_nobody(self, world: WireWorld, status: int) -> None:
        """The delivery ends with CredentialsError after few requests, and a later one brings everybody (L10)."""
        rows = [world.row(number) for number in range(40)]
        result = delivered(world, rows, faults=Faults(refuse_credentials=status))  # type: ignore[arg-type]  # one of the two
        assert isinstance(result.error, CredentialsError)
        assert result.answers == [{}]
        assert len(result.noted) <= 10
        assert world.held() == []
        assert delivered(world, rows).codes() == []
        check_held(world, *rows)

    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_a_rate_limit_carries_its_delay(self, world: WireWorld, form: str) -> None:
        """429 raises ThrottledError with the seconds that the system names, as a number or as a date."""
        faults = Faults(rate_limit=0, retry_after_seconds=7, retry_after=form)  # type: ignore[arg-type]  # one of them
        error = failed(world, world.row(1), faults)
        assert isinstance(error, ThrottledError)
        assert error.delay_seconds is not None
        assert 6 <= error.delay_seconds <= 7

    @pytest.mark.parametrize("status", [202, 204, 299, 302, 304, 599])
    def test_an_unknown_status_is_never_a_success(self, world: WireWorld, status: int) -> None:
        """A status that no page names, without a body that proves anything, raises one of the two errors."""
        row = world.row(1)
        error = failed(world, row, Faults(forced={row.reference: Forced(status=status, body="")}))
        assert isinstance(error, TransientError | PermanentError)

    @pytest.mark.parametrize("after_commit", [False, True])
    @pytest.mark.parametrize("kind", ["empty", "html", "truncate", "stranger", "reset"])
    def test_a_success_without_proof_is_none(self, world: WireWorld, kind: str, *, after_commit: bool) -> None:
        """An answer without a body, with another's, with a page of HTML, or broken off is no success (L18)."""
        if kind == "stranger" and not world.answers_name:
            pytest.skip("the answer to a create names nobody")
        for number, status in enumerate((200, world.success)):
            faults = on_writes(kind, status=status, after_commit=after_commit)
            assert isinstance(failed(world, world.row(number), faults), TransientError)

    @pytest.mark.parametrize("kind", ["empty", "html", "truncate", "stranger", "reset"])
    def test_what_was_answered_without_proof_is_settled(self, world: WireWorld, kind: str) -> None:
        """Delivery brings each customer once, whatever the first answers looked like."""
        if kind == "stranger" and not world.answers_name:
            pytest.skip("the answer to a create names nobody")
        rows = [world.row(number) for number in range(12)]
        result = delivered(world, rows, faults=on_writes(kind, next=4, after_commit=True))
        assert (result.error, result.codes()) == (None, [])
        check_held(world, *rows)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, world: WireWorld, status: int) -> None:
        """Nothing is sent to another origin, and the job stops (L27)."""
        with elsewhere() as (url, asked):
            error = failed(world, world.row(1), on_writes("redirect", status=status, location=f"{url}/customers"))
        assert asked == []
        assert isinstance(error, PermanentError)

    def test_a_hung_request_ends_at_its_deadline(self, world: WireWorld) -> None:
        """Nothing waits longer than the timeout that the target was made with."""
        began = time.monotonic()
        error = failed(world, world.row(1), on_writes("hang"), world.make(timeout_seconds=0.3))
        assert isinstance(error, TransientError)
        assert time.monotonic() - began < 5

    def test_an_answer_without_end_is_cut(self, world: WireWorld) -> None:
        """An answer that would fill the memory raises TransientError."""
        assert isinstance(failed(world, world.row(1), on_writes("bomb")), TransientError)

    def test_a_refusal_that_tells_nothing_is_no_success(self, world: WireWorld) -> None:
        """400 with HTML, nothing, or broken JSON refuses the customer or stops the job, and shows no body (L09)."""
        row = world.row(1)
        for body in ("", "<html>Grimble Grimble</html>", "{", "[]", '"text"', "null"):
            forced = {row.reference: Forced(status=400, body=body)}
            result = delivered(world, [row], faults=Faults(forced=forced))
            assert isinstance(result.error, PermanentError) or len(result.codes()) == 1, body
            assert "Grimble" not in repr(result), body
        assert world.held() == []

    def test_without_a_server_there_is_a_transient_error(self, world: WireWorld) -> None:
        """A connection that is closed at once, whenever one is made, raises TransientError without an address."""
        row = world.row(1)
        error = failed(world, row, Faults(strikes=(Strike(kind="drop", probability=1.0),)))
        assert isinstance(error, TransientError)


class SessionContract:
    """What holds for a target that signs in and whose sessions, or tokens, end."""

    def test_one_renewal_serves_all_in_flight(self, world: WireWorld) -> None:
        """Sixteen requests whose session ended are answered after one more sign-in, and each is carried out once."""
        rows = [world.row(number) for number in range(IN_FLIGHT)]

        async def act(target: Target) -> list[Answer]:
            world.expire()
            return list(await asyncio.gather(*map(target.send, rows)))

        before = world.logins()
        answers = with_target(world, act)
        assert world.logins() - before == 2
        assert [answer.refusals for answer in answers] == [()] * IN_FLIGHT
        check_held(world, *rows)

    def test_look_ups_renew_as_well(self, world: WireWorld) -> None:
        """A session that ended between two requests is nobody's failure."""
        row = world.row(1)
        sent(world, row)

        async def act(target: Target) -> object:
            world.expire()
            return await target.look_up(row)

        before = world.logins()
        assert with_target(world, act) is not None
        assert world.logins() - before == 2

    def test_sessions_that_end_again_and_again_lose_nobody(self, world: WireWorld) -> None:
        """A session that lasts for ten requests costs sign-ins, and no customer."""
        rows = [world.row(number) for number in range(40)]
        result = delivered(world, rows, faults=Faults(session_requests=10))
        assert (result.error, result.codes()) == (None, [])
        assert [row.reference for row in rows] == sorted(reference for reference, _ in world.held())
        check_held(world, *(Row(row.reference, row.values) for row in rows))
