"""Puts in what the target takes for the things of its own that customers name; lists each kind once in a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from connectors.delivery.courier import Courier
from connectors.protocol import Entity, Row
from flows.decision import Decision, settlement_of
from flows.plan import Plan
from flows.preparation import Prepared
from mappings.finding import Finding
from mappings.system import System

_QUOTED_CHARACTERS = 40


class UnknownEntityError(LookupError):
    """The target has no such thing, or `why` it cannot be told: `several` of that name, or no `list` to find it in."""

    def __init__(self, value: object, why: Literal["absent", "several", "list"] = "absent") -> None:
        super().__init__(value)
        self.value = value
        self.why = why


class Register:
    """The things of one kind, found by reference, by id or by name, in this order."""

    def __init__(self, entities: Sequence[Entity]) -> None:
        self._by_reference = {each.reference: each for each in entities if each.reference is not None}
        self._by_id = {each.id: each for each in entities}
        self._by_name: dict[str, list[Entity]] = defaultdict(list)
        for each in entities:
            if each.name is not None:
                self._by_name[each.name].append(each)

    def find(self, text: str) -> Entity:
        """Find one; raises UnknownEntityError."""
        named = self._by_name.get(text, [])
        found = self._by_reference.get(text) or self._by_id.get(text) or (named[0] if len(named) == 1 else None)
        if found is None:
            raise UnknownEntityError(text, "several" if len(named) > 1 else "absent")
        return found


class Filling(Protocol):
    """Puts in, before a page is sent, what the target takes for the things of its own that customers name."""

    async def fill(self, prepared: Prepared, decision: Decision) -> None:
        """Put in what is sent, and settle those that cannot be."""


class TakenForGranted:
    """Lets every name stand, where the target is not asked; nothing of it is sent."""

    async def fill(self, prepared: Prepared, decision: Decision) -> None:
        """Leave everybody as decided."""


@dataclass(slots=True)
class Entities:
    """What the target's things are called, as far as this run has asked."""

    plan: Plan
    courier: Courier
    before_send: Callable[[], None]
    notify: Callable[[str], None]
    _registers: dict[str, Register | None] = field(default_factory=dict)

    async def fill(self, prepared: Prepared, decision: Decision) -> None:
        """Put in what is sent; a row that names what the target does not have becomes `invalid`, in its words."""
        fields = self.plan.entity_fields
        if not fields:
            return
        await self._list({kind for name, kind in fields.items() if any(name in row.values for row in decision.rows)})
        refused: dict[int, tuple[Finding, ...]] = {}
        for place, row in enumerate(decision.rows):
            values, findings = self._filled(row, fields)
            decision.rows[place] = replace(row, values=values)
            if findings:
                refused[place] = findings
        for place, findings in refused.items():
            position = decision.positions[place]
            decision.settlements.append(
                settlement_of(prepared, position, outcome="invalid", stage="reference", findings=findings)
            )
        decision.drop(refused)

    async def _list(self, kinds: set[str]) -> None:
        for kind in sorted(kinds - self._registers.keys()):
            entities = await self.courier.entities(kind, self.before_send)
            self._registers[kind] = None if entities is None else Register(entities)
            if entities is None:
                label = self.plan.system.entities[kind].label
                self.notify(f"the target has no list of its entries of {label}: they are sent as they are")

    def _filled(self, row: Row, fields: Mapping[str, str]) -> tuple[dict[str, object], tuple[Finding, ...]]:
        values, findings = dict(row.values), []
        for name, kind in fields.items():
            if row.values.get(name) is None:
                continue
            try:
                values[name] = self._sent(name, self._registers.get(kind), row.values[name])
            except UnknownEntityError as error:
                findings.append(_finding(self.plan.system, name, error))
        return values, tuple(findings)

    def _sent(self, name: str, register: Register | None, value: object) -> object:
        system = self.plan.system
        if isinstance(value, list):
            return [self._sent(name, register, part) for part in value]
        entity = system.entity(name)
        assert entity is not None
        if register is None:
            sent = system.as_sent(name, value)
            if entity.sends == "id" and not isinstance(sent, int):
                raise UnknownEntityError(value, "list")
            return sent
        found = register.find(str(value))
        return system.as_sent(name, found.id) if entity.sends == "id" else found.reference or found.id


def _finding(system: System, name: str, error: UnknownEntityError) -> Finding:
    match error.why:
        case "several":
            return Finding("ambiguous_name", name, f"{name} names several entries of the target")
        case "list":
            return system.finding("type", name)
    finding = system.finding("unknown", name)
    shown = f"[{name}]" if system.fields[name].personal else str(error.value)[:_QUOTED_CHARACTERS]
    return replace(finding, description=finding.description.replace("{value}", shown))
