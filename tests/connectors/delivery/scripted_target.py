"""A target with ids of its own, in virtual time, that does to each customer's requests what a script says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConnectorError,
    Held,
    Refusal,
    Row,
    Surprise,
    ThrottledError,
    TransientError,
)
from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import Faults
from tests.connectors.virtual_loop import clock
from tests.contracts.fake_target import FakeIdTarget, FakeSystem
from tests.contracts.target_world import Noted

VALUES = {"name": "x"}


class Mishap(Enum):
    """What becomes of a request."""

    NONE = auto()
    LOST = auto()  # before it was carried out
    UNANSWERED = auto()  # after it was
    BROKEN = auto()  # 503 before
    BROKEN_LATE = auto()  # 500 after
    THROTTLED = auto()
    EXISTS = auto()  # 409, whether it is true or not
    GONE = auto()  # 404, whether it is true or not


def _now() -> float:
    """Tell the virtual time; a target may be made before its loop runs."""
    try:
        return clock()
    except RuntimeError:
        return 0.0


_CLOCK = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), _now, asyncio.sleep)


@dataclass(frozen=True, slots=True)
class Create:
    """A create that went out: when it ended, and whether it had an answer."""

    reference: str
    began: float
    ended: float
    answered: bool


@dataclass
class ScriptedTarget(FakeIdTarget):
    """Takes a mishap for each write, and for each look-up, from the customer's list, while it lasts."""

    system: FakeSystem = field(default_factory=lambda: FakeSystem(_CLOCK))
    writes: dict[str, list[Mishap]] = field(default_factory=dict)
    reads: dict[str, list[Mishap]] = field(default_factory=dict)
    creates: list[Create] = field(default_factory=list)
    asked: list[Row] = field(default_factory=list)
    reasons: bool = True
    seconds: float = 0.05

    async def send(self, row: Row) -> Answer:
        """Write as the script says."""
        began, answered = clock(), False
        try:
            await asyncio.sleep(self.seconds)
            answer = self._scripted(row)
            answered = True
        except ThrottledError:
            answered = True
            raise
        finally:
            if row.target_id is None:
                self.creates.append(Create(row.reference, began, clock(), answered))
        return answer

    async def look_up(self, row: Row) -> Held | None:
        """Show as the script says."""
        await asyncio.sleep(self.seconds)
        self.asked.append(row)
        mishap = _next(self.reads, row)
        if mishap is not Mishap.NONE:
            self.system.noted.append(Noted("GET", row.reference, applied=False))
            _fail(mishap)
        return await super().look_up(row)

    def put(self, reference: str, *, late: bool = False) -> str:
        """Have the system hold a customer; a late one is not seen yet."""
        return self.system.create(reference, {"name": "old"}, late=late).id

    def held(self) -> Counter[str]:
        """Count the customers of each reference."""
        return Counter(customer.reference for customer in self.system.customers.values())

    def _scripted(self, row: Row) -> Answer:
        mishap = _next(self.writes, row)
        refusals = (Refusal(mishap.name.lower(), "", "so it says"),) if self.reasons else ()
        match mishap:
            case Mishap.EXISTS | Mishap.GONE:
                self._note(row)
                return Answer(409, refusals=refusals, surprise=Surprise[mishap.name])
            case Mishap.NONE | Mishap.UNANSWERED | Mishap.BROKEN_LATE:
                answer = self._write(row)
            case _:
                answer = Answer(None)
        self._note(row)
        _fail(mishap)
        return answer

    def _note(self, row: Row) -> None:
        self.system.noted.append(Noted("POST", row.reference, applied=False))


def _next(script: dict[str, list[Mishap]], row: Row) -> Mishap:
    left = script.get(row.reference)
    return left.pop(0) if left else Mishap.NONE


def _fail(mishap: Mishap) -> None:
    match mishap:
        case Mishap.LOST | Mishap.UNANSWERED:
            raise TransientError("scripted: no answer")
        case Mishap.BROKEN | Mishap.BROKEN_LATE:
            raise AnsweredError("scripted: status 503", status=503)
        case Mishap.THROTTLED:
            raise ThrottledError("scripted: status 429", 1.0)
        case _:
            pass


def make_courier(target: ScriptedTarget, concurrency: int = 4) -> Courier:
    """Make a courier that lives in virtual time and always takes the longest pause."""
    gate = Gate(concurrency=concurrency, clock=clock, sleep=sleep)
    return Courier(target, gate, clock=clock, sleep=sleep, chance=lambda: 1.0)


async def sleep(seconds: float) -> None:
    """Wait, for a microsecond at least: asyncio ends shorter waits at once, and virtual time would stand still."""
    await asyncio.sleep(max(seconds, 1e-6))


async def deliver(
    courier: Courier, rows: Sequence[Row], before_send: Callable[[], None] = lambda: None
) -> tuple[dict[int, Answer], ConnectorError | None]:
    """Deliver everything; gives the answers by position, each once, and the error at the end if there was one."""
    found: dict[int, Answer] = {}
    try:
        async for group in courier.deliver(rows, before_send):
            for delivery in group:
                assert delivery.position not in found, "a row has one delivery"
                found[delivery.position] = delivery.answer
    except ConnectorError as error:
        return found, error
    return found, None


def lag(target: ScriptedTarget, seconds: float) -> None:
    """Let reads show what was written so long ago."""
    target.system.fail(Faults(read_lag_seconds=seconds))
