"""What the contract of targets needs of a system: customers under the test's control, and targets over them.

Each kind of world belongs to a class of the suite: `TargetWorld` to `target.TargetContract` and
`target.ReferenceContract`, `WireWorld` to `wire.WireContract` and `wire.SessionContract`, `IdTargetWorld` to
`id_target.IdTargetContract`, `SpellingWorld` to `id_target.SpellingContract`, `LaterWorld` to
`id_target.LaterContract`.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from connectors.protocol import IdTarget, Row, Target
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import Faults

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SPEED = 50  # so many seconds pass in one

Held = tuple[str, Mapping[str, object]]
"""A customer that the system holds: its reference, and its values under the names of a row's values."""


class FastTime:
    """A time in which pauses of seconds end soon; give it to the sandbox as well (`sandbox_clock`)."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def clock(self) -> float:
        """Tell the seconds that passed."""
        return (time.monotonic() - self._start) * _SPEED

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds / _SPEED)

    def now(self) -> datetime:
        """Tell the wall time."""
        return BEGIN + timedelta(seconds=self.clock())

    @property
    def sandbox_clock(self) -> Clock:
        """This time as sandboxes take it."""
        return Clock(now=self.now, monotonic=self.clock, sleep=self.sleep)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that the system refuses, with the code, the field and a part of the words that it does so with.

    `status` is None where the target refuses it by itself, without a request.
    """

    name: str
    row: Row
    code: str
    field: str = ""
    words: str = ""
    status: int | None = 400


@dataclass(frozen=True, slots=True)
class Noted:
    """One request that the system got, signing in aside: its method, whom it is about, and whether it changed them."""

    method: str
    reference: str | None
    applied: bool


class TargetWorld(ABC):
    """Customers of a system, and targets over them; empty where a test begins.

    The texts of `values` and `changed` are long and rare enough to be found again in an error that shows them.
    """

    clears: ClassVar[str | None] = None
    """The name in `values` that null clears, where the system can clear something."""

    secrets: ClassVar[tuple[str, ...]] = ()
    """What must never show: passwords, tokens and the like."""

    kinds: ClassVar[Mapping[str, Collection[str]]] = {}
    """The kinds of entities that there are lists of, each with the references, names or ids of some."""

    odd_references: ClassVar[tuple[str, ...]] = (
        *("CASE", "case", "a b", "a/b", "a?b", "a#b", "a%2Fb", "a%20b", "..;/x", "../x", "a'b\"c", "a+b", "a&b=c"),
        *("a,b", "a;b", "a:b", "a\\b", "*", "%", "null", "0", "007", "Zo\u00eb \u674e \U0001f9ff", "x" * 200),
    )
    """References that must come through as they are, each a customer of its own (`ReferenceContract`)."""

    unsendable: ClassVar[tuple[str, ...]] = ("", ".", "..")
    """References that are refused without a request, beside control characters (`ReferenceContract`)."""

    def __init__(self, time: FastTime | None = None) -> None:
        self.time = time or FastTime()

    def reference(self, number: int) -> str:
        """Name a customer."""
        return f"REF-{number:05}"

    def row(self, number: int) -> Row:
        """Make a row of `values` for a customer that nothing is known of."""
        return Row(self.reference(number), self.values(number))

    def shown(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Say how `held` shows such values; what it cannot show is left out."""
        return values

    @abstractmethod
    def values(self, number: int) -> dict[str, object]:
        """Give the values of a plain valid row, which differ from customer to customer."""

    @abstractmethod
    def changed(self, number: int) -> dict[str, object]:
        """Give other values for an update of the same customer."""

    def otherwise(self, number: int) -> dict[str, object]:
        """Give other values for as many fields of the same customer as possible, even if no update takes them."""
        return self.changed(number)

    def respelled(self, number: int) -> dict[str, object]:  # noqa: ARG002 - worlds need it
        """Give values that the system takes and shows in another spelling, by a rule that is documented or inferred."""
        return {}

    @abstractmethod
    def refused(self) -> Sequence[Refused]:
        """Give a row for every documented refusal; may put customers that a refusal needs."""

    @abstractmethod
    def make(self, timeout_seconds: float = 30.0) -> Target:
        """Make a target over what is held now; it is not entered yet."""

    @abstractmethod
    def held(self) -> Sequence[Held]:
        """Show all customers as they are, past the target; two of one reference are two."""

    @abstractmethod
    def requests(self) -> Sequence[Noted]:
        """Show every request so far, signing in aside, in order."""

    @abstractmethod
    def fail(self, faults: Faults) -> None:
        """Let things go wrong from now on, in place of what went wrong before; writes are POST, PUT or PATCH."""

    def heal(self) -> None:
        """Let nothing go wrong."""
        self.fail(Faults())


class WireWorld(TargetWorld):
    """A world whose target speaks HTTP and proves who it is."""

    success: ClassVar[int] = 201
    """The status of a create that went well."""

    answers_name: ClassVar[bool] = True
    """Whether the answer to a create shows the reference, so that another customer's can be told from it."""

    @abstractmethod
    def impostor(self) -> Target:
        """Make a target whose credentials are wrong."""

    @abstractmethod
    def logins(self) -> int:
        """Say how often somebody signed in so far (`SessionContract`)."""

    @abstractmethod
    def expire(self) -> None:
        """End all sessions, or tokens (`SessionContract`)."""


class SandboxWorld(WireWorld):
    """A world in a sandbox, served over a real socket; `app` must have been made with `time.sandbox_clock`."""

    login_path: ClassVar[str] = ""
    """How the path of each sign-in's first request begins; empty where there is none."""

    def __init__(self, app: SandboxApp, url: str, time: FastTime) -> None:
        super().__init__(time)
        self.app = app
        self.url = url
        app.reset()

    def requests(self) -> Sequence[Noted]:
        """Read the journal; `is_login` says what is left out."""
        entries = (entry for entry in self.app.journal.entries if not self.is_login(entry.path))
        return [Noted(entry.method, entry.reference, entry.applied) for entry in entries]

    def is_login(self, path: str) -> bool:
        """Say whether a request to this path is about signing in."""
        return bool(self.login_path) and path.startswith(self.login_path)

    def logins(self) -> int:
        """Count in the journal."""
        paths = (entry.path for entry in self.app.journal.entries)
        return sum(bool(self.login_path) and path.startswith(self.login_path) for path in paths)

    def expire(self) -> None:
        """Let the sandbox forget; worlds with sessions say how."""
        raise NotImplementedError

    def fail(self, faults: Faults) -> None:
        """Set the sandbox's faults."""
        self.app.faults = faults


class IdTargetWorld(TargetWorld):
    """A world whose target knows customers by ids of its own."""

    refuses_twins: ClassVar[bool] = True
    """Whether the system refuses to create a reference that it holds."""

    @abstractmethod
    def make(self, timeout_seconds: float = 30.0) -> IdTarget:
        """Make a target over what is held now; its settling time is five seconds."""

    @abstractmethod
    def put(self, number: int) -> str:
        """Have the system hold a customer with `values`, seen at once and without a request; gives its id."""

    @abstractmethod
    def twin(self, number: int) -> None:
        """Have the system hold another customer under the reference of one, whatever its rules are."""

    @abstractmethod
    def erase(self, number: int) -> None:
        """Delete a customer, without a request."""


class SpellingWorld(IdTargetWorld):
    """A world whose system holds references just as others typed them in."""

    keeps_blanks: ClassVar[bool] = True
    """Whether blanks around a reference stay."""

    @abstractmethod
    def put_as(self, number: int, reference: str) -> str:
        """Have the system hold a customer with `values` under just this reference, without a request; gives its id."""


class LaterWorld(IdTargetWorld):
    """A world whose system takes customers in and decides about them later."""

    @abstractmethod
    def delay(self, seconds: float, *, against: Collection[int] = ()) -> None:
        """Decide so many seconds after a create; against these customers, with a refusal."""
