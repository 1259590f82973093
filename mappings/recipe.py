"""The built-in converters of text. Each one's table of examples is its test; an error never shows the value."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from mappings.converter import column_converter, converter, join_converter
from mappings.value import ConversionError, as_arrow, from_arrow

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,15})?")
_PLAIN_ADDRESS_LENGTH = 200

# No number of a customer is longer, and a job that asks for a thousand million digits would fill the memory.
Digits = Annotated[int, Field(ge=1, le=64)]


@column_converter
def strip(column: pd.Series) -> pd.Series:
    r"""Remove white space at both ends; of blanks alone nothing is left, which is null.

    Examples::

        "  Anna " -> "Anna"
        "Anna\u00a0" -> "Anna"
        " " -> None
    """
    stripped = column.str.strip()
    return stripped.where(stripped != "")


@converter
def squeeze(value: str) -> str:
    r"""Remove white space at both ends and make any within a single blank.

    Examples::

        " Forsterstr.   57 " -> "Forsterstr. 57"
        "a\tb" -> "a b"
    """
    return " ".join(value.split())


@column_converter
def upper(column: pd.Series) -> pd.Series:
    """Write in capitals.

    Examples::

        "ab-1é" -> "AB-1É"
    """
    return column.str.upper()


@column_converter
def lower(column: pd.Series) -> pd.Series:
    """Write in small letters.

    Examples::

        "Anna@Example.COM" -> "anna@example.com"
    """
    return column.str.lower()


@join_converter
def join_words(columns: pd.DataFrame, separator: str = " ") -> pd.Series:
    """Join several columns; blank and null parts leave no gap, and null comes of nulls alone.

    Examples::

        ["Anna ", "Smith"] -> "Anna Smith"
        ["Anna", None] -> "Anna"
        ["", "Smith"] -> "Smith"
        ["Smith", "Anna"], ", " -> "Smith, Anna"
        ["", None] -> ""
        [None, None] -> None
    """
    nothing = pa.scalar(None, pa.large_string())
    texts = [as_arrow(columns[name]) for name in columns]
    trimmed = [pc.utf8_trim_whitespace(text) for text in texts]
    parts = [pc.if_else(pc.equal(part, ""), nothing, part) for part in trimmed]
    between = pa.scalar(separator, pa.large_string())
    # Arrow 26 drops rows of which every part is skipped from the result; an empty first part keeps them.
    kept = pa.repeat(pa.scalar("", pa.large_string()), len(columns))
    joined = pc.binary_join_element_wise(kept, *parts, between, null_handling="skip")
    joined = pc.utf8_slice_codeunits(joined, start=len(separator))
    return from_arrow(pc.if_else(pc.is_valid(pc.coalesce(*texts)), joined, nothing))


@join_converter
def join_lines(columns: pd.DataFrame) -> pd.Series:
    r"""Put several columns on lines of their own; blank and null ones leave no empty line.

    Examples::

        ["12 Main St", "", "Rear building"] -> "12 Main St\nRear building"
        [None, None] -> None
    """
    joined: pd.Series = join_words(columns, "\n")
    return joined


@join_converter
def company_or_person(columns: pd.DataFrame) -> pd.Series:
    """Take the first column where it has a value, and else the others joined with blanks: a company, or a person.

    Examples::

        ["Acme Ltd ", "Anna", "Smith"] -> "Acme Ltd"
        [None, "Anna", "Smith"] -> "Anna Smith"
        [" ", "Anna", None] -> "Anna"
        ["", None, None] -> ""
        [None, None, None] -> None
    """
    company = pc.utf8_trim_whitespace(as_arrow(columns.iloc[:, 0]))
    if columns.shape[1] == 1:
        return from_arrow(company)
    person = as_arrow(join_words(columns.iloc[:, 1:]))
    is_company = pc.fill_null(pc.not_equal(company, ""), fill_value=False)
    return from_arrow(pc.if_else(is_company, company, pc.coalesce(person, company)))


@converter
def split(value: str, separator: str = ",") -> list[str]:
    """Make a list of the parts between separators; blank parts are left out.

    Examples::

        "a, b,,c" -> ["a", "b", "c"]
        "a|b", "|" -> ["a", "b"]
        "" -> []
    """
    return [part.strip() for part in value.split(separator) if part.strip()]


@converter
def leading_zeros(value: str, digits: Digits) -> str:
    """Give a number of digits the zeros back that it lost in a spreadsheet, so that it has so many digits.

    Examples::

        "1067", 5 -> "01067"
        "01067", 5 -> "01067"
        "101067", 5 -> ! "has more digits than are asked for"
        "D-1067", 5 -> ! "has more than digits"
    """
    text = value.strip()
    if not re.fullmatch("[0-9]+", text):
        raise ConversionError("has more than digits")
    if len(text) > digits:
        raise ConversionError("has more digits than are asked for")
    return text.zfill(digits)


@converter
def first_word(value: str) -> str:
    """Keep the first word.

    Examples::

        "Maria de la Cruz" -> "Maria"
        " " -> ""
    """
    return next(iter(value.split()), "")


@converter
def last_word(value: str) -> str:
    """Keep the last word.

    Examples::

        "Maria de la Cruz" -> "Cruz"
        "" -> ""
    """
    return next(reversed(value.split()), "")


@converter
def email(value: str) -> str:
    """Check the form of an e-mail address, and write its domain in small letters; nobody is asked over the network.

    Names that the internet reserves for other things (`.local`, `.test`) are refused.

    Examples::

        " Anna@Example.COM " -> "Anna@example.com"
        "anna@firma.local" -> ! "is not an e-mail address"
        "anna@localhost" -> ! "is not an e-mail address"
        "anna" -> ! "is not an e-mail address"
        "a@b@c.de" -> ! "is not an e-mail address"
    """
    address = value.strip()
    local, _, domain = address.rpartition("@")
    if len(address) <= _PLAIN_ADDRESS_LENGTH and _PLAIN_LOCAL.fullmatch(local):
        # The library reads every character several times (45 microseconds an address), and says the same of all
        # addresses of a domain whose part before the @ is plain.
        return f"{local}@{_valid_email(f'a@{domain}')[2:]}"
    return _valid_email.__wrapped__(address)


@lru_cache(maxsize=10_000)
def _valid_email(address: str) -> str:
    # Imported on first use: it brings a resolver library that few jobs need.
    import email_validator

    try:
        return email_validator.validate_email(address, check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        raise ConversionError("is not an e-mail address") from None
