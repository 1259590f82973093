"""Reads and writes JSON bodies exactly: decimals stay what they are, nested members have dotted names; no I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from connectors.protocol import ConfigurationError, Refusal

_EXPONENT = re.compile(r"[eE][+-]?[0-9]{4,}")


class UnsendableError(Exception):
    """A row cannot be written as a request; `refusal` says why, in the target's words where it has some."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def parse(body: bytes) -> object:
    """Read JSON with its decimals as they are written; Ellipsis where the body is none (null is None)."""
    try:
        value: object = json.loads(body, parse_float=_number, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # RecursionError: a body of nothing but opening brackets
        return ...
    return value


def parse_exactly(body: bytes) -> Mapping[str, object] | None:
    """Read a JSON object with its decimals as they are written; None where the body is anything else."""
    value = parse(body)
    return value if isinstance(value, dict) else None


def parse_object(body: bytes) -> Mapping[str, object] | None:
    """Read a JSON object, its decimals as floats; None where the body is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def nest(values: Mapping[str, object]) -> dict[str, object]:
    """Give dotted names their objects: `A.B` becomes the member B of the object A."""
    nested: dict[str, object] = {}
    for name, value in values.items():
        place = nested
        *owners, last = name.split(".")
        for owner in owners:
            place = place.setdefault(owner, {})  # type: ignore[assignment]  # a name is an object's or a value's, not both
        place[last] = value
    return nested


def member(content: Mapping[str, object], name: str) -> object:
    """Find a member by its dotted name; None within what is null, Ellipsis where it is not there."""
    value: object = content
    for part in name.split("."):
        if value is None:
            return None
        if not isinstance(value, Mapping) or part not in value:
            return ...
        value = value[part]
    return value


def write(value: object, name: str = "") -> bytes:
    """Write plain values as JSON, decimals digit by digit, dates in ISO 8601.

    Raises UnsendableError for half a character or a number that is not finite, naming the member, and
    ConfigurationError for a kind of value that JSON has not, without the value.
    """
    try:
        return _text(value, name).encode()
    except UnicodeEncodeError:
        broken = next((key for key, text in _texts(value, "") if _is_broken(text)), "")
        raise UnsendableError(Refusal("invalid_text", broken, "holds half a character (a lone surrogate)")) from None


def shows(shown: object, sent: object) -> bool:
    """Say whether a value that an API shows is the one that was sent; 5000.00 is 5000, and true is no number.

    A null shows what was cleared. Lists are compared in their order, objects by the members that were sent.
    """
    match sent:
        case None | "":
            same = shown is None or shown == ""
        case bool():
            same = shown is sent
        case int() | Decimal() | float():
            same = not isinstance(shown, bool) and isinstance(shown, int | Decimal | float) and _equal(shown, sent)
        case str():
            same = isinstance(shown, str) and shown.strip() == sent.strip()
        case date():
            same = shown == sent.isoformat()
        case list() | tuple():
            same = isinstance(shown, list) and len(shown) == len(sent) and all(map(shows, shown, sent))
        case Mapping():
            same = isinstance(shown, Mapping) and all(shows(shown.get(key), value) for key, value in sent.items())
        case _:
            same = False
    return same


def _equal(shown: object, sent: object) -> bool:
    try:
        return Decimal(str(shown)) == Decimal(str(sent))
    except InvalidOperation:
        return False


def _text(value: object, name: str) -> str:
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal() | float() if Decimal(str(value)).is_finite():
            return format(Decimal(str(value)), "f")  # never an exponent
        case Decimal() | float():
            raise UnsendableError(Refusal("invalid_value", name, "is not a finite number"))
        case date():
            return f'"{value.isoformat()}"'
        case list() | tuple():
            return f"[{','.join(_text(item, name) for item in value)}]"
        case Mapping():
            pairs = (
                f"{json.dumps(key)}:{_text(item, f'{name}.{key}' if name else str(key))}" for key, item in value.items()
            )
            return f"{{{','.join(pairs)}}}"
        case _:
            raise ConfigurationError(f"{name} holds a {type(value).__name__}; JSON cannot carry it")


def _below(name: str, key: object) -> str:
    return f"{name}.{key}" if name else str(key)


def _texts(value: object, name: str) -> list[tuple[str, str]]:
    match value:
        case str():
            return [(name, value)]
        case list() | tuple():
            return [pair for item in value for pair in _texts(item, name)]
        case Mapping():
            return [pair for key, item in value.items() for pair in _texts(item, _below(name, key))]
        case _:
            return []


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _number(text: str) -> Decimal | float:
    return float(text) if _EXPONENT.search(text) else Decimal(text)  # such a decimal takes gigabytes to write out


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are no JSON")
