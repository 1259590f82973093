"""The built-in converters that clean text up and cut it short; as in `recipe`, their examples are their tests.

Nothing is cut but where a job says `truncate`, and what was cut is counted and told.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from mappings.converter import column_converter, shortening_converter
from mappings.value import ConversionError, as_arrow, from_arrow

# Windows and old Macs end lines so; \v is the line break within a cell or paragraph of office programs.
LINE_BREAK = r"\r\n?|[\x0b\x0c\x{85}\x{2028}\x{2029}]"
# Control characters but tab and line feed; the soft hyphen; what has no width or only turns the direction of writing.
INVISIBLE = (
    r"[\x00-\x08\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\x{ad}\x{61c}\x{180e}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}"
    r"\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}]"
)
# The two joiners are letters' business in Persian or Hindi and hold emoji together; elsewhere they are invisible too.
JOINER = "[\u200c\u200d]"
_JOINING = "[\u0600-\u1cff\u2190-\ufaff\ufe00-\ufe0f\U0001f000-\U0001ffff\U00010a00-\U00011fff]"
STRAY_JOINER = f"(?<!{_JOINING}){JOINER}|{JOINER}(?!{_JOINING})"  # compiled on first use: it takes 3 ms

Length = Annotated[int, Field(ge=1, strict=True)]


@column_converter
def clean(column: pd.Series) -> pd.Series:
    r"""Bring text to Unicode NFC and remove control and zero-width characters; of nothing else null is left.

    Line breaks of every kind become a line feed; tabs, blanks and the joiners within emoji and Persian stay.

    Examples::

        "Anna\u200b" -> "Anna"
        "Zoe\u0308" -> "Zo\u00eb"
        "\ufeffAcme\x07 Ltd\x00" -> "Acme Ltd"
        "12 Main St\r\nRear building" -> "12 Main St\nRear building"
        "Main\u00adstreet" -> "Mainstreet"
        "\u202d030 123456\u202c" -> "030 123456"
        "a\u200db" -> "ab"
        "\U0001f469\u200d\U0001f373" -> "\U0001f469\u200d\U0001f373"
        " a\tb " -> " a\tb "
        "\u200b" -> None
    """
    texts = _texts(column)
    dirty = pc.match_substring_regex(texts, f"{LINE_BREAK}|{INVISIBLE}|{JOINER}")
    if pc.any(dirty).as_py():
        texts = pc.replace_substring_regex(texts, LINE_BREAK, "\n")
        texts = pc.replace_substring_regex(texts, INVISIBLE, "")
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.utf8_normalize(texts, form="NFC")
        texts = _without_stray_joiners(texts)
    kept = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.large_string()), texts)
    return from_arrow(kept).set_axis(column.index)


def _without_stray_joiners(texts: pa.Array) -> pa.Array:
    """Remove joiners that join nothing; few texts have any, and Arrow's expressions cannot look around."""
    found = pc.fill_null(pc.match_substring_regex(texts, JOINER), fill_value=False)
    if not pc.any(found).as_py():
        return texts
    # What a stray one stood between may compose now.
    mended = [unicodedata.normalize("NFC", re.sub(STRAY_JOINER, "", text)) for text in texts.filter(found).to_pylist()]
    return pc.replace_with_mask(texts, found, pa.array(mended, pa.large_string()))


@shortening_converter
def truncate(column: pd.Series, length: Length) -> pd.Series:
    r"""Cut a text to so many characters at most, never within what is read as one; blanks at the cut go, too.

    Counted as in the targets' limits, by Unicode code points. How many customers were cut is told at the run's end.

    Examples::

        "Forsterstrasse", 6 -> "Forste"
        "Anna", 6 -> "Anna"
        "Anna Smith", 5 -> "Anna"
        "Zoe\u0308", 3 -> "Zo"
        "ab\U0001f469\u200d\U0001f373", 4 -> "ab"
        "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 3 -> "\U0001f1e9\U0001f1ea"
        "\U0001f469\u200d\U0001f373", 2 -> ! "cannot be cut to so few characters"
    """
    texts = _texts(column)
    long = pc.fill_null(pc.greater(pc.utf8_length(texts), length), fill_value=False)
    if not pc.any(long).as_py():
        return column
    cells = column.to_numpy(dtype=object, copy=True)
    for position in np.flatnonzero(long.to_numpy(zero_copy_only=False)):
        cells[position] = _cut(cells[position], length)
    return pd.Series(cells, index=column.index, dtype="str")


def _cut(text: str, length: int) -> str:
    end = length if text.isascii() and "\r" not in text else _last_boundary(text, length)
    if kept := text[:end].rstrip():
        return kept
    raise ConversionError("cannot be cut to so few characters")


def _last_boundary(text: str, length: int) -> int:
    """Find the last place up to `length` that lies between characters as people see them (Unicode annex 29)."""
    import regex  # on first use: Python's own expressions know no such characters

    end = 0
    for character in regex.finditer(r"\X", text):
        if character.end() > length:
            break
        end = character.end()
    return end


def _texts(column: pd.Series) -> pa.Array:
    try:
        return as_arrow(column)
    except UnicodeEncodeError:
        raise ConversionError("holds half of a character") from None
