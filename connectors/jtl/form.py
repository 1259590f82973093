"""Writes a row's values the way JTL-Wawi takes them, and tells whether a customer as answered shows them; no I/O.

Inferred, since no vendor page says: null in an update clears, and what an update leaves out stays as it is. Nothing can
be cleared in a customer that is only created, so a create leaves null out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from connectors.api import body
from connectors.api.body import UnsendableError
from connectors.jtl.answer import number
from connectors.jtl.name import respell
from connectors.moment import read_timestamp
from connectors.protocol import Refusal, Row

_TIMES = frozenset({"CustomerSince", "Birthday", "LastChange"})
_KEY = re.compile(r"[0-9]{1,10}")
_LARGEST_KEY = 2**31 - 1  # documented as int32
_DATE_LENGTH = len("1985-01-01")


def check_reference(reference: str) -> None:
    """Raise UnsendableError for what cannot be a customer's number."""
    if not reference.strip() or reference in {".", ".."}:
        raise UnsendableError(Refusal("invalid_reference", "Number", "empty, . or .. cannot be a reference"))
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in reference):
        words = "a reference holds no control characters and no half characters"
        raise UnsendableError(Refusal("invalid_reference", "Number", words))


def is_key(text: str) -> bool:
    """Say whether a text can be a customer's id; others may name something else below `/customers/`."""
    return _KEY.fullmatch(text) is not None and int(text) <= _LARGEST_KEY


def write_new(row: Row) -> bytes:
    """Write a row as the body of a create; raises UnsendableError."""
    check_reference(row.reference)
    given = {name: value for name, value in row.values.items() if value is not None}
    return body.write(body.nest({**given, "Number": row.reference}))


def write_update(row: Row) -> bytes:
    """Write just what the row has as the body of an update; raises UnsendableError."""
    check_reference(row.reference)
    return body.write(body.nest(row.values))


def write_query(**parameters: str | int) -> str:
    """Write a query, percent-encoded throughout."""
    return urlencode(parameters)


def differing(content: Mapping[str, object], values: Mapping[str, object]) -> tuple[str, ...]:
    """Name the fields of which a customer as answered does not prove that they were written; it may not have them."""
    shown = respell(content)
    proven = {
        name: number(shown) == number(values) if name == "Number" else _is_shown(name, body.member(shown, name), value)
        for name, value in values.items()
    }
    return tuple(sorted(name for name, is_proven in proven.items() if not is_proven))


def _is_shown(name: str, shown: object, value: object) -> bool:
    if shown is ...:
        return False
    if value in (None, "") and shown == []:  # a list that was cleared
        return True
    return body.shows(shown, value) or (name in _TIMES and _same_time(shown, value))


def _same_time(shown: object, sent: object) -> bool:
    """Compare moments; of a date alone only the day, as the answer prints it (the sample ends with a bare `T`)."""
    match sent:
        case date():
            text = sent.isoformat()
        case str():
            text = sent.strip()
        case _:
            return False
    if not isinstance(shown, str) or not text:
        return False
    if len(text) == _DATE_LENGTH:
        return shown[:_DATE_LENGTH] == text
    there, here = read_timestamp(shown, None), read_timestamp(text, None)
    return there is not None and there == here
