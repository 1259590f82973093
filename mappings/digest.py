"""Keyed digests that tell whether a record or a row is what it was; the same on every machine and in every run.

Neither key nor values can be had back from them. The key comes from outside; nothing is stored here.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from yarl import URL

from mappings.converter import Converters
from mappings.field import FieldRule
from mappings.system import System
from mappings.value import ABSENT, CLEAR, ConversionError, as_arrow, canonical_text, is_text, nulls

DIGEST_BYTES = 16
LONGEST_KEY = 64  # of BLAKE2b

# Between the cells of a record, and before what is no plain text; a text that holds either is escaped.
SEPARATOR = "\x1f"
ESCAPE = "\x1e"
NULL = f"{ESCAPE}0"
ABSENCE = f"{ESCAPE}3"
END_OF_NAMES = f"{ESCAPE}5".encode()


class Digester:
    """Makes digests of 16 bytes with BLAKE2b, keyed."""

    __slots__ = ("_empty",)

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("a digest needs a key")
        fitting = key if len(key) <= LONGEST_KEY else hashlib.blake2b(key).digest()
        self._empty = hashlib.blake2b(key=fitting, digest_size=DIGEST_BYTES)

    def records(self, frame: pd.DataFrame) -> list[bytes]:
        """Digest every record's raw values with the names and order of the columns; null, absent and "" differ."""
        empty = self._empty.copy()
        empty.update(SEPARATOR.join(_escaped(str(name)) for name in frame).encode() + END_OF_NAMES)
        digests = []
        for line in _lines(frame):
            digest = empty.copy()
            digest.update(line)
            digests.append(digest.digest())
        return digests

    def payload(self, values: Mapping[str, object]) -> bytes:
        """Digest one row's payload, whatever the order of its fields; an image counts by its content or its address.

        Raises OSError where a file cannot be read.
        """
        # Texts are most of a payload; written here they cost a third of a call each.
        parts = [
            f"{name}=s{len(value)}:{value}" if type(value) is str else f"{name}={_token(value)}"
            for name, value in sorted(values.items(), key=itemgetter(0))
        ]
        return self.text("".join(parts))

    def text(self, text: str) -> bytes:
        """Digest one text, such as a reference that is only to be recognised."""
        digest = self._empty.copy()
        digest.update(text.encode(errors="surrogatepass"))
        return digest.digest()

    def __repr__(self) -> str:
        return "Digester()"


def payloads(rows: pd.DataFrame, positions: Iterable[int]) -> list[dict[str, object]]:
    """Turn the rows at these positions into what is sent: null cells are left out, cleared ones are None."""
    chosen = rows.iloc[list(positions)]
    columns = [_cells(chosen[name]) for name in rows]
    names = [str(name) for name in rows]
    sent = [
        {name: cell for name, cell in zip(names, cells, strict=True) if cell is not ABSENT}
        for cells in zip(*columns, strict=True)
    ]
    return sent if columns else [{} for _ in range(len(chosen))]


def fingerprint(
    fields: Mapping[str, FieldRule],
    conditions: Mapping[str, object] | None,
    converters: Converters,
    system: System,
    version: str,
    *,
    reading: Mapping[str, object] | None = None,
) -> str:
    """Name a mapping by all that decides its results: rules, filter, the converters' source, description, version.

    `reading` is what decides which records are met, and under which name and version.

    The order of the fields and of the filter's columns does not count.
    """
    used = sorted({step.name for rule in fields.values() for step in rule.convert})
    described = {
        "fields": {name: rule.model_dump(mode="json") for name, rule in fields.items()},
        "filter": dict(conditions or {}),
        "converters": {name: _source(converters, name) for name in used},
        "system": system.model_dump(mode="json"),
        "version": version,
        "reading": dict(reading or {}),
    }
    text = json.dumps(described, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * DIGEST_BYTES]


def _source(converters: Converters, name: str) -> str:
    """Take the whole module of a user's converter, because it may call its neighbours; ours go by the version."""
    converter = converters[name]
    if converter.built_in:
        return ""
    module = inspect.getmodule(converter.function)
    return inspect.getsource(module or converter.function)


def _lines(frame: pd.DataFrame) -> list[bytes]:
    """Join each record's cells into one unambiguous line of bytes."""
    if frame.empty:
        return [b""] * len(frame)
    columns = [_text_tokens(frame[name]) if is_text(frame[name]) else _tokens(frame[name]) for name in frame]
    between = pa.scalar(SEPARATOR, pa.large_string())
    joined = pc.binary_join_element_wise(*columns, between, null_handling="replace", null_replacement=NULL)
    lines: list[bytes] = joined.cast(pa.large_binary()).to_pylist()
    return lines


def _text_tokens(column: pd.Series) -> pa.Array:
    texts = as_arrow(column)
    for mark in (ESCAPE, SEPARATOR):
        if pc.any(pc.match_substring(texts, mark)).as_py():
            return pa.array([None if text is None else _escaped(text) for text in texts.to_pylist()], pa.large_string())
    return texts


def _tokens(column: pd.Series) -> pa.Array:
    gone = nulls(column)
    cells = zip(column.tolist(), gone, strict=True)
    return pa.array([NULL if empty else _cell_token(value) for value, empty in cells], pa.large_string())


def _cell_token(value: object) -> str:
    """Write a text as in a text column: a page's other records must not change a record's digest."""
    if value is ABSENT:
        return ABSENCE
    if isinstance(value, str):
        return _escaped(value)
    return ESCAPE + _escaped(_token(value))


def _escaped(text: str) -> str:
    text = text.replace(ESCAPE, f"{ESCAPE}1").replace(SEPARATOR, f"{ESCAPE}2")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form; the mark keeps this apart from the same letters written as a text.
        return f"{ESCAPE}4{text.encode('utf-16-le', 'surrogatepass').hex()}"
    return text


def _token(value: object) -> str:
    """Write a value so that no two values, of whatever types, are written alike: a type letter and a length."""
    match value:
        case str():
            token = f"s{len(value)}:{value}"
        case None:
            token = "0:"  # noqa: S105 - the token of a null
        case Path():
            with value.open("rb") as file:
                token = f"p{hashlib.file_digest(file, 'sha256').hexdigest()}:"
        case list() | tuple():
            token = f"l{len(value)}:{''.join([_token(part) for part in value])}"
        case Mapping():
            token = f"m{len(value)}:{''.join([_token(key) + _token(value[key]) for key in sorted(value)])}"
        case bytes():
            token = f"p{hashlib.sha256(value).hexdigest()}:"
        case URL():
            token = f"u{len(text := str(value))}:{text}"
        case bool() | np.bool_():
            token = "t:" if value else "f:"
        case int() | float() | Decimal() | np.number():
            token = f"n{len(text := _plain(value))}:{text}"
        case _:
            token = f"d{len(text := _plain(value))}:{text}"
    return token


def _plain(value: object) -> str:
    """Write a number, boolean or date; a digest is made of every record, also of one that holds something else.

    Should that print differently each time, the record is only looked at once more than necessary.
    """
    try:
        return canonical_text(value)
    except ConversionError:
        return repr(value)


def _cells(column: pd.Series) -> Sequence[object]:
    """List the cells of a row's column, ABSENT for what is not sent and None for what is cleared."""
    if is_text(column):
        return [ABSENT if text is None else text for text in as_arrow(column).to_pylist()]
    cells = zip(column.tolist(), nulls(column), strict=True)
    return [ABSENT if gone else None if cell is CLEAR else cell for cell, gone in cells]
