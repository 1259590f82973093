"""References: their one normalisation, and which of them cannot be sent. Knows no other field."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mappings.value import Mask, as_arrow, from_arrow, is_text, tidy

# Control characters, and the invisible ones that make two references look alike (zero-width, direction, BOM).
UNSAFE = r"[\x00-\x1f\x7f-\x{9f}\x{ad}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{feff}]|^\.\.?$"


Case: TypeAlias = Literal["lower"] | None
"""What becomes of a reference's case: it goes, where it means nothing to the system, else it stays."""


def normalise(references: pd.Series, case: Case = None) -> pd.Series:
    """Trim white space and bring to Unicode NFC; case stays unless it is to be lowered, null stays null.

    Idempotent, because both sides of every comparison go through it. What is not text stays, for the checks to name.
    """
    if not is_text(references):
        return _normalise_objects(references, case)
    trimmed = pc.utf8_trim_whitespace(as_arrow(references))
    if case == "lower":
        trimmed = pc.utf8_lower(trimmed)
    if not pc.all(pc.string_is_ascii(trimmed)).as_py():
        # Composing cannot bring forth white space, so trimming once is enough.
        trimmed = pc.utf8_normalize(trimmed, form="NFC")
    return from_arrow(trimmed).set_axis(references.index)


def normal_text(reference: str, case: Case = None) -> str:
    """Normalise one reference."""
    return str(normalise(pd.Series([reference], dtype="str"), case).iloc[0])


def _normalise_objects(references: pd.Series, case: Case) -> pd.Series:
    """Normalise the texts of a column in which one cell is no text, or has no UTF-8 form; that cell stays as it is."""
    cells = references.to_numpy(dtype=object, copy=True)
    texts = np.fromiter((isinstance(cell, str) and _is_encodable(cell) for cell in cells), bool, len(cells))
    cells[texts] = normalise(pd.Series(cells[texts], dtype="str"), case).to_numpy(dtype=object)
    return tidy(cells).set_axis(references.index)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unsafe(references: pd.Series) -> Mask:
    """Mark references that an address or a person could misread: `.`, `..`, control and invisible characters."""
    found = pc.match_substring_regex(as_arrow(references), UNSAFE)
    marks: Mask = pc.fill_null(found, pa.scalar(value=False)).to_numpy(zero_copy_only=False)
    return marks
