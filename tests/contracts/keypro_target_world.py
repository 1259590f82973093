"""A world in the Keypro sandbox, served over a real socket, that customers are written to by its ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

import httpx

from connectors.keypro import KeyproSettings
from connectors.keypro.target import KeyproTarget
from connectors.protocol import IdTarget, Row, Target
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.keypro.setting import KeyproSettings as Sandbox
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.server import running
from tests.contracts.target_world import FastTime, Held, Noted, Refused, SandboxWorld, SpellingWorld

_TOKEN = "c0ffee" * 6 + "abcd"
_RENAMED = {"id": "pk", "customerNumber": "number", "customerName": "title", "Type": "customerNumber"}


class _EnteringTarget(KeyproTarget):
    """A target that tells when it has entered: the request for that is no customer's."""

    def __init__(self, settings: KeyproSettings, properties: Mapping[str, str], entered: Callable[[], None]) -> None:
        super().__init__(settings, properties)
        self._entered = entered

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._entered()
        return self


@dataclass
class Environment:
    """A sandbox that is served, its settings, and a client of its own."""

    app: SandboxApp
    url: str
    time: FastTime
    sandbox: Sandbox
    client: httpx.Client


class KeyproTargetWorld(SandboxWorld, SpellingWorld):
    """An environment's customers."""

    clears: ClassVar[str | None] = "note"
    keeps_blanks: ClassVar[bool] = False
    secrets: ClassVar[tuple[str, ...]] = (_TOKEN,)
    kinds: ClassVar[Mapping[str, Collection[str]]] = {
        "customer_type": ["person", "Company", "3"],
        "customer_status": [],
        "language": [],
        "restricted_type": [],
    }

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment.app, environment.url, environment.time)
        self._environment = environment
        self._own: set[int] = set()  # requests that the world made itself
        self._settings = KeyproSettings.model_validate({"kind": "keypro", "base_url": environment.url, "token": _TOKEN})

    def values(self, number: int) -> dict[str, object]:
        """Fill some fields of each kind."""
        return {
            "customerName": f"Grimble & Söhne {number}",
            "note": f"Ring twice {number}\nthen wait + = %",
            "country": "FI",
            "Type": 1,
            "cooperativeSum": Decimal("12.50") + number,
            "cooperativeDate": "2024-02-29",
            "cooperativeMember": True,
        }

    def changed(self, number: int) -> dict[str, object]:
        """Change most of them."""
        return {
            "customerName": f"Quatrain {number} Ltd",
            "note": f"Moved {number}",
            "Type": 2,
            "cooperativeSum": Decimal("0.05"),
            "cooperativeMember": False,
        }

    def respelled(self, number: int) -> dict[str, object]:
        """Texts are trimmed, numbers shown as short as possible, and dates as text."""
        return {
            "customerName": f" Grimble & Söhne {number} ",
            "customerNumber": f" {self.reference(number)} ",
            "cooperativeSum": Decimal("12.500"),
            "cooperativeDate": date(2024, 2, 29),
            "cooperativeReimbursementDate": None,
            "note": "",
            "sms2": False,
        }

    def shown(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Numbers are compared as numbers."""
        return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}

    def refused(self) -> Sequence[Refused]:
        """List what the framework refuses: no page tells of more than that fields fail."""

        def wrong(field: str, value: object, words: str) -> Refused:
            row = Row(f"REF-{field}", {**self.values(1), field: value})
            return Refused(field, row, "validation_failed", field, words)

        return [
            wrong("Type", "first", "integer"),
            wrong("Status", 999, "999"),
            wrong("cooperativeMember", "perhaps", "boolean"),
            wrong("cooperativeSum", "much", "number"),
            wrong("cooperativeDate", "30.2.2024", "Date"),
            wrong("shoeSize", 43, ""),
        ]

    def make(self, timeout_seconds: float = 30.0) -> IdTarget:
        """Make a target."""
        settings = self._settings.model_copy(update={"timeout": timeout_seconds})
        return _EnteringTarget(settings, self._environment.sandbox.names, self._note_entering)

    def impostor(self) -> Target:
        """Make a target with another token."""
        settings = KeyproSettings.model_validate({**self._settings.model_dump(), "token": "f00d"})
        return KeyproTarget(settings, self._environment.sandbox.names)

    def held(self) -> Sequence[Held]:
        """Ask the sandbox; when somebody was written last is its own business."""
        fields = {name: field for field, name in self._environment.sandbox.names.items()}
        shown = [
            {fields.get(name, name): value for name, value in each.items() if name != "dateModified"}
            for each in self.app.vendor.customers("")
        ]
        return [(str(each["customerNumber"]), each) for each in shown]

    def requests(self) -> Sequence[Noted]:
        """Read the journal, without what the world did itself and without the request that proves the token."""
        entries = (entry for entry in self.app.journal.entries if entry.number not in self._own)
        return [Noted(entry.method, entry.reference, entry.applied) for entry in entries]

    def put(self, number: int) -> str:
        """Have the sandbox create a customer."""
        return self.put_as(number, self.reference(number))

    def put_as(self, number: int, reference: str) -> str:
        """Have the sandbox create a customer under another reference."""
        before = {self._id(each) for each in self.app.vendor.customers("")}
        fields = {"customerNumber": reference, **self.shown(self.values(number))}
        names = self._environment.sandbox.names
        assert self.app.vendor.add({names.get(field, field): value for field, value in fields.items()}).applied
        (created,) = {self._id(each) for each in self.app.vendor.customers("")} - before
        return created

    def twin(self, number: int) -> None:
        """Lift the rule for a moment."""
        sandbox = self._environment.sandbox
        rule = sandbox.unique_number
        object.__setattr__(sandbox, "unique_number", "off")
        try:
            self.put(number)
        finally:
            object.__setattr__(sandbox, "unique_number", rule)

    def erase(self, number: int) -> None:
        """Delete over the API, past the faults and the account of requests."""
        (customer,) = [
            self._id(each)
            for each, (reference, _) in zip(self.app.vendor.customers(""), self.held(), strict=True)
            if reference == self.reference(number)
        ]
        faults, self.app.faults = self.app.faults, Faults()
        self._environment.client.delete(f"/customers/{customer}/").raise_for_status()
        self._own.add(self.app.journal.entries[-1].number)
        self.app.faults = faults

    def _note_entering(self) -> None:
        self._own.add(self.app.journal.entries[-1].number)

    def _id(self, customer: Mapping[str, object]) -> str:
        return str(customer[self._environment.sandbox.names.get("id", "id")])


class TwinsWorld(KeyproTargetWorld):
    """An environment that creates a customer number twice."""

    refuses_twins: ClassVar[bool] = False


FORMS: Mapping[str, Sandbox] = {
    "documented": Sandbox(token=_TOKEN),
    "409": Sandbox(token=_TOKEN, unique_number="409", envelope="sibling"),
    "twins": Sandbox(token=_TOKEN, unique_number="off", envelope="bare", max_limit=30),
    "renamed": Sandbox(token=_TOKEN, names=_RENAMED, envelope="lower"),
}


@contextmanager
def served(sandbox: Sandbox) -> Iterator[Environment]:
    """Serve an environment; gives what a world needs."""
    time = FastTime()
    app = keypro_app(sandbox, clock=time.sandbox_clock)
    headers = {"Authorization": f"Token {_TOKEN}"}
    with running(app) as url, httpx.Client(base_url=url, trust_env=False, headers=headers) as client:
        yield Environment(app, url, time, sandbox, client)
