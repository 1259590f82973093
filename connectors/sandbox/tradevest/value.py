"""Checks values as the documented schemas of tradevest demand, and collects everything that is wrong with them.

Inferred: null is no value of any property; a number or a boolean is no string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from connectors.sandbox.tradevest.refusal import Problem

Check = Callable[[str, Any], list[Problem]]
"""Takes the name of a field as errors spell it, and its value."""

LABELS_MOST = 16
ENTITY_TYPES = ("NATURAL_PERSON", "LEGAL_ENTITY", "JOINT_PERSON")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Say whether the text is a uuid in its usual form, of any version and case."""
    return _UUID.fullmatch(text) is not None


def absent(field: str) -> Problem:
    """Miss a value."""
    return Problem(field, "NOT_NULL", "must not be null")


def unknown(field: str) -> Problem:
    """Refuse a name that the schema does not have."""
    return Problem(field, "UNKNOWN", "is not a known property")


def _not_a(kind: str, field: str) -> list[Problem]:
    return [Problem(field, "TYPE", f"must be of type {kind}", kind)]


def check_uuid(field: str, value: object) -> list[Problem]:
    """Check a uuid."""
    if isinstance(value, str) and is_uuid(value):
        return []
    return [Problem(field, "UUID", "must be a valid UUID")]


def one_of(words: Sequence[str]) -> Check:
    """Make a check that the value is one of the words, case and all."""

    def check(field: str, value: object) -> list[Problem]:
        if value in words:
            return []
        allowed = ", ".join(words)
        return [Problem(field, "ENUM", f"must be one of {allowed}", allowed)]

    return check


def text(least: int, most: int | None = None, pattern: str | None = None) -> Check:
    """Make a check of a string's length in characters and of its form as a whole."""

    def check(field: str, value: object) -> list[Problem]:
        if not isinstance(value, str):
            return _not_a("string", field)
        problems = []
        if len(value) < least or (most is not None and len(value) > most):
            size = f"at least {least}" if most is None else f"between {least} and {most}"
            problems.append(Problem(field, "SIZE", f"size must be {size}", f"{least}..{'' if most is None else most}"))
        if pattern is not None and not re.fullmatch(pattern, value):
            problems.append(Problem(field, "PATTERN", f'must match "{pattern}"', pattern))
        return problems

    return check


def list_of(check_item: Check, most: int | None = None) -> Check:
    """Make a check of an array's length and of each of its items."""

    def check(field: str, value: object) -> list[Problem]:
        if not isinstance(value, list):
            return _not_a("array", field)
        problems = []
        if most is not None and len(value) > most:
            problems.append(Problem(field, "SIZE", f"size must be between 0 and {most}", f"0..{most}"))
        for index, item in enumerate(value):
            name = f"{field}[{index}]"
            problems += [absent(name)] if item is None else check_item(name, item)
        return problems

    return check


def object_of(checks: Mapping[str, Check], required: Collection[str], *, refuses_unknown: bool) -> Check:
    """Make a check of an object's properties, in the order of the schema; a field of "" is the body itself."""

    def check(field: str, value: object) -> list[Problem]:
        if not isinstance(value, dict):
            return _not_a("object", field)
        prefix = f"{field}." if field else ""
        problems = []
        for name, check_one in checks.items():
            if value.get(name) is not None:
                problems += check_one(f"{prefix}{name}", value[name])
            elif name in value or name in required:
                problems.append(absent(f"{prefix}{name}"))
        if refuses_unknown:
            problems += [unknown(f"{prefix}{name}") for name in value if name not in checks]
        return problems

    return check


check_label = text(1)
check_labels = list_of(check_label, LABELS_MOST)
