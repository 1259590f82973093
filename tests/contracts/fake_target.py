"""A system of customers in memory, and targets over it in both forms: one upserts by reference, one knows ids alone.

Its faults are those of the sandboxes, as far as they make sense without HTTP. The target with ids creates a reference
twice if it is asked to twice and the system lets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Self, TypeVar

from connectors.protocol import (
    Answer,
    AnsweredError,
    Entity,
    Held,
    Refusal,
    Roll,
    Row,
    Surprise,
    ThrottledError,
    TransientError,
)
from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import FaultPlan, Faults, Forced, Strike
from tests.contracts.target_world import Noted

PART = 100
REQUIRED = "name"
KINDS = {"category": [Entity("1", "root", "All"), Entity("2", None, "Retail")]}

T = TypeVar("T")


@dataclass(slots=True)
class Customer:
    """A customer: its versions, each with the time from which reads show it, and when it is decided about."""

    id: str
    reference: str
    versions: list[tuple[float, dict[str, object]]]
    decided_at: float = 0.0

    @property
    def values(self) -> dict[str, object]:
        """What it truly is."""
        return self.versions[-1][1]


@dataclass
class FakeSystem:
    """Customers by id. `refuses_twins`: no reference gets in twice; `decides_after`: how long a create is undecided."""

    clock: Clock
    customers: dict[str, Customer] = field(default_factory=dict)
    noted: list[Noted] = field(default_factory=list)
    refuses_twins: bool = True
    decides_after: float = 0.0
    against: frozenset[str] = frozenset()
    faults: Faults = field(default_factory=Faults)
    _plan: FaultPlan = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1000))

    def __post_init__(self) -> None:
        self.fail(self.faults)

    def fail(self, faults: Faults) -> None:
        """Let things go wrong from now on."""
        self.faults, self._plan = faults, FaultPlan(faults, self.clock)

    async def request(self, method: str, reference: str | None, work: Callable[[], T]) -> T:
        """Carry a request out, or not, and answer it, or not."""
        await self.clock.sleep(self._plan.delay_seconds())
        if self._plan.throttles():
            self.noted.append(Noted(method, reference, applied=False))
            raise ThrottledError("fake: status 429", float(self.faults.retry_after_seconds))
        harm: Strike | Forced | None = self._plan.strike(method) or self._plan.forced(reference, method)
        if isinstance(harm, Forced) and harm.status == 413:
            self.noted.append(Noted(method, reference, applied=False))
            return Answer(413, refusals=(Refusal("too_large", "", "HTTP 413"),))  # type: ignore[return-value]  # a write's
        before = [customer.versions[-1] for customer in self.customers.values()]
        result = work() if harm is None or harm.after_commit else None
        applied = before != [customer.versions[-1] for customer in self.customers.values()]
        self.noted.append(Noted(method, reference, applied))
        if isinstance(harm, Forced) and not harm.drop:
            raise AnsweredError(f"fake: status {harm.status}", status=harm.status)
        if harm is not None or result is None:
            raise TransientError("fake: no answer")
        return result

    def create(self, reference: str, values: Mapping[str, object], *, late: bool = True) -> Customer:
        """Take a customer in; `late` ones are seen and decided after the time that the faults and settings say."""
        now = self.clock.monotonic()
        seen_at = now + self.faults.read_lag_seconds if late else 0.0
        decided_at = now + self.decides_after if late else 0.0
        customer = Customer(str(next(self._numbers)), reference, [(seen_at, dict(values))], decided_at)
        self.customers[customer.id] = customer
        return customer

    def update(self, customer: Customer, values: Mapping[str, object]) -> None:
        """Write values over those that there are."""
        seen_at = self.clock.monotonic() + self.faults.read_lag_seconds
        customer.versions.append((seen_at, customer.values | dict(values)))

    def bearers(self, reference: str) -> list[Customer]:
        """Find who truly bears a reference."""
        return [customer for customer in self.customers.values() if customer.reference == reference]

    def shown(self, customer: Customer) -> dict[str, object] | None:
        """Show a customer as reads do; None where they do not show it yet."""
        now = self.clock.monotonic()
        return next((values for seen_at, values in reversed(customer.versions) if seen_at <= now), None)

    def decided(self, customer: Customer) -> bool:
        """Say whether the system has decided about a customer."""
        return customer.decided_at <= self.clock.monotonic()


@dataclass
class FakeTarget:
    """Upserts by reference."""

    system: FakeSystem
    address: str = "fake:memory"

    async def __aenter__(self) -> Self:
        """Connect to nothing."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of nothing."""

    async def send(self, row: Row) -> Answer:
        """Update whoever bears the reference, else create."""
        if _is_unsendable(row.reference):
            return Answer(None, refusals=(Refusal("invalid_reference", "reference", "no reference"),))
        return await self.system.request("POST", row.reference, lambda: self._write(row))

    async def look_up(self, row: Row) -> Held | None:
        """Find by id, or by reference."""
        if _is_unsendable(row.reference):
            return None
        return (await self.system.request("GET", row.reference, lambda: [self._find(row)]))[0]

    async def entities(self, kind: str) -> Sequence[Entity] | None:
        """Give a fixed list."""
        return KINDS.get(kind)

    def _write(self, row: Row) -> Answer:
        bearers = self.system.bearers(row.reference)
        return self._update(bearers[0], row) if bearers else self._create(row)

    def _create(self, row: Row) -> Answer:
        if row.values.get(REQUIRED) is None:
            return Answer(400, refusals=(Refusal("missing_param", REQUIRED, f"{REQUIRED} parameter is missing"),))
        customer = self.system.create(row.reference, row.values)
        return Answer(201, customer.id, created=True, pending=not self.system.decided(customer))

    def _update(self, customer: Customer, row: Row) -> Answer:
        if REQUIRED in row.values and row.values[REQUIRED] is None:
            return Answer(400, refusals=(Refusal("missing_param", REQUIRED, f"{REQUIRED} parameter is missing"),))
        self.system.update(customer, row.values)
        return Answer(200, customer.id, created=False)

    def _find(self, row: Row) -> Held | None:
        known = self.system.customers.get(row.target_id or "")
        bearers = self.system.bearers(row.reference) if row.target_id is None else [known] if known else []
        seen = [(customer, values) for customer in bearers if (values := self.system.shown(customer)) is not None]
        if not seen:
            return None
        customer, values = seen[0]
        differing = tuple(sorted(name for name, value in row.values.items() if values.get(name, ...) != value))
        pending = not self.system.decided(customer)
        return Held(customer.id, differing, len(seen) - 1, self._turned_down(customer), pending)

    def _turned_down(self, customer: Customer) -> tuple[Refusal, ...]:
        if customer.reference not in self.system.against or not self.system.decided(customer):
            return ()
        return (Refusal("turned_down", "", "the system has decided against it"),)


@dataclass
class FakeIdTarget(FakeTarget):
    """Creates where a row has no id, and updates where it has one; `steady` is what its list claims to be.

    A steady list has a tail, as ids rise.
    """

    settling_seconds: float = 5.0
    deciding_seconds: float = 60.0
    steady: bool = True
    part: int = PART
    tells_total: bool = True

    async def roll(self, cursor: str | None) -> Roll:
        """Show whom reads show, in the order of ids."""
        return await self.system.request("GET", None, lambda: self._part(cursor))

    def _part(self, cursor: str | None) -> Roll:
        visible = [customer for customer in self.system.customers.values() if self.system.shown(customer) is not None]
        after = [customer for customer in visible if cursor is None or int(customer.id) > int(cursor)]
        after.sort(key=lambda customer: int(customer.id))
        ids: dict[str, tuple[str, ...]] = {}
        for customer in after[: self.part]:
            ids[customer.reference] = (*ids.get(customer.reference, ()), customer.id)
        following = after[self.part - 1].id if len(after) > self.part else None
        last = after[-1].id if after else cursor
        tail = last if self.steady and following is None else None
        return Roll(ids, following, self.steady, len(visible) if self.tells_total else None, tail)

    def _write(self, row: Row) -> Answer:
        if row.target_id is not None:
            customer = self.system.customers.get(row.target_id)
            if customer is not None:
                return self._update(customer, row)
            gone = Refusal("not_found", "", "there is no such customer")
            return Answer(404, refusals=(gone,), surprise=Surprise.GONE)
        if self.system.refuses_twins and self.system.bearers(row.reference):
            taken = Refusal("not_unique", "reference", "reference already used")
            return Answer(409, refusals=(taken,), surprise=Surprise.EXISTS)
        return self._create(row)


def _is_unsendable(reference: str) -> bool:
    return reference in {"", ".", ".."} or not reference.isprintable()
