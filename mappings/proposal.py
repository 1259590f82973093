"""Proposes a job's `fields` from what a source's columns and a target's fields mean. Guesses nothing, sends nothing.

Of columns that compete for a field none is proposed: `contested` names them. Between two systems nothing is proposed
for what each of them has of its own (categories, payment types, codes): a job says that with `values`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from mappings.description import FieldType, SystemField
from mappings.name import folded
from mappings.synonym import meanings
from mappings.system import System

Rule: TypeAlias = str | dict[str, object]
"""One field as a job file has it."""

# What brings text from a file to a field's type; a database's typed values pass through it as well.
FROM_TEXT: Mapping[FieldType, list[object]] = {
    "text": [], "datetime": [], "date": ["date"], "boolean": ["boolean"], "integer": ["integer"],
    "decimal": ["decimal"], "list": ["split"], "file": [],
}  # fmt: skip
# The names of account owners may hold a comma.
FROM_TEXT_IN_PARALLEL: list[object] = [{"split": ";"}]
# What one described type may become besides itself, and how.
BETWEEN_TYPES: Mapping[tuple[FieldType, FieldType], list[object]] = {
    ("boolean", "text"): [], ("integer", "text"): [], ("decimal", "text"): [], ("date", "text"): [],
    ("datetime", "text"): [], ("integer", "decimal"): [], ("decimal", "integer"): ["integer"],
    ("date", "datetime"): [],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offer:
    """A source column, and its field where a description has it."""

    column: str
    field: SystemField | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What can be said about one target field: a rule, or the columns between which it would be a guess."""

    rule: Rule | None = None
    rivals: tuple[str, ...] = ()


def propose(source: System | Collection[str], target: System) -> dict[str, Rule]:
    """Propose rules for a target's fields, in the order of its description, from a system or from column names.

    What is proposed is what `fields` of a job file would hold; a field for which nothing fits is not there.
    """
    return {name: each.rule for name, each in _proposals(source, target).items() if each.rule is not None}


def contested(source: System | Collection[str], target: System) -> dict[str, tuple[str, ...]]:
    """List the target's fields for which several columns compete, so that none is proposed."""
    return {name: each.rivals for name, each in _proposals(source, target).items() if each.rivals}


def unproposed(target: System, fields: Collection[str]) -> tuple[str, ...]:
    """List the fields that the target requires beside these, for which nothing was found."""
    return target.lacking(fields)


def _proposals(source: System | Collection[str], target: System) -> dict[str, Proposal]:
    if isinstance(source, System) and source.name == target.name:
        return {name: _same(name, source) for name in target.sendable if name in source.columns}
    supply = _supply(source) if isinstance(source, System) else _supply_of_columns(source)
    own = {} if isinstance(source, System) else _own_names(source, target)
    proposals = {}
    for name in target.sendable:
        field, word = target.fields[name], target.meaning(name)
        if name in own:
            proposals[name] = _one(own[name], field)
        elif word == "name":
            proposals[name] = _name(supply, field, target)
        elif word is not None and field.type != "file":
            proposals[name] = _meant(supply, field, word)
    return proposals


def _same(name: str, system: System) -> Proposal:
    """Copy a field within one kind of system; what is shown otherwise than it is written goes by a table."""
    column, field = system.columns[name], system.fields[name]
    return Proposal({"from": column, "values": dict(field.read_values)} if field.read_values else column)


_Supply: TypeAlias = Mapping[str, list[Offer]]
"""The columns that mean a word."""


def _supply(source: System) -> _Supply:
    meant = ((source.meaning(name), name) for name in source.columns)
    return {word: [Offer(source.columns[name], source.fields[name])] for word, name in meant if word is not None}


def _supply_of_columns(columns: Iterable[str]) -> _Supply:
    supply: dict[str, list[Offer]] = {}
    for column, word in meanings(columns).items():
        supply.setdefault(word, []).append(Offer(column))
    return supply


def _own_names(columns: Collection[str], target: System) -> dict[str, list[Offer]]:
    """Find the columns that are called as a field, or as the column in which it comes back, and mean nothing else.

    What means a name is left to `_name`, which looks at the columns beside it.
    """
    words = meanings(columns)
    called: dict[str, set[str]] = {}
    for name in target.sendable:
        for own in {folded(name), folded(target.columns.get(name, name))}:
            called.setdefault(own, set()).add(name)
    found: dict[str, list[Offer]] = {}
    for column in columns:
        for name in called.get(folded(column), ()):
            if words.get(column) in {None, target.meaning(name)} - {"name"}:
                found.setdefault(name, []).append(Offer(column))
    return found


def _one(offers: list[Offer], field: SystemField) -> Proposal:
    if len(offers) > 1:
        return _contest(offers)
    steps = _steps(offers[0], field) if offers else None
    return Proposal() if steps is None else Proposal(_rule(offers, steps))


def _contest(offers: Iterable[Offer]) -> Proposal:
    return Proposal(rivals=tuple(offer.column for offer in offers))


def _meant(supply: _Supply, field: SystemField, word: str) -> Proposal:
    """Take the column that means what the field does; a house number that stands apart joins its street."""
    place, _, part = word.partition(".")
    offers, houses = supply.get(word, []), supply.get(f"{place}.house_number", [])
    if part != "street" or not offers or not houses:
        return _one(offers, field)
    if len(offers) > 1 or len(houses) > 1:
        return _contest([*offers, *houses])
    return Proposal(_rule([*offers, *houses], ["join_words"]))


def _name(supply: _Supply, field: SystemField, target: System) -> Proposal:
    """Put a customer's name together; beside one half of a person's name, a `name` could be the other half."""
    names, companies = supply.get("name", []), supply.get("company", [])
    halves = [supply.get(word, []) for word in ("first_name", "last_name")]
    whole, persons = [*names, *companies], [offer for half in halves for offer in half]
    takes_halves = {"first_name", "last_name"} <= {each.means for each in target.fields.values()}
    is_half = bool(names) and sum(map(bool, halves)) == 1
    if len(whole) > 1 or is_half or (not takes_halves and any(len(half) > 1 for half in halves)):
        return _contest([*whole, *persons])
    if takes_halves or not halves[1]:  # a given name alone is nobody's name
        return _one(whole, field)
    if whole:
        return Proposal(_rule([*whole, *persons], ["company_or_person"]))
    return Proposal(_rule(persons, ["join_words"] if len(persons) > 1 else []))


def _steps(offer: Offer, field: SystemField) -> list[object] | None:
    """Say which converters bring an offer to the field; None where it does not fit."""
    shown = offer.field
    if shown is None:
        steps = FROM_TEXT_IN_PARALLEL if field.parallel else FROM_TEXT.get(field.type)
        return [field.form] if field.form is not None else steps
    if shown.refers_to or field.refers_to or shown.read_values or field.choices:
        return None
    if field.form is not None and shown.form != field.form:
        return [field.form]
    return [] if shown.type == field.type else BETWEEN_TYPES.get((shown.type, field.type))


def _rule(offers: Iterable[Offer], steps: list[object]) -> Rule:
    columns = [offer.column for offer in offers]
    if not steps and len(columns) == 1:
        return columns[0]
    rule: dict[str, object] = {"from": columns[0] if len(columns) == 1 else columns}
    return rule | ({"convert": steps[0] if len(steps) == 1 else steps} if steps else {})
