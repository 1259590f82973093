"""Writes a row's values the way Valomnia's forms take them, and tells whether an answer shows them; no I/O but images.

Inferred, since no vendor page says: a value is cleared with empty text; `paymentTypes` is sent as real JSON (the page
prints `=` where JSON has a colon).
"""

from __future__ import annotations

import json
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, quote_plus

from yarl import URL

from connectors.api.body import UnsendableError
from connectors.protocol import ConfigurationError, Refusal

Image: TypeAlias = Path | URL | bytes

_KEY = "reference"  # names the customer in the path; upsert's form does not take it
IMAGE_BYTES = 2 * 1024 * 1024  # "2Mo": which megabyte is meant is unknown, so only what exceeds both is stopped here
_IMAGES = {b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif", b"\x89PNG\r\n\x1a\n": "png", b"BM": "bmp"}

# Written under one name and answered under others (vendor page 11.3 and 11.2), with the keys that name the entry.
_READ_AS = {
    "categoryId": ("customerCategory", ("id", "reference")),
    "customerSegmentationId": ("customerSegmentation", ("id", "reference")),
    "userId": ("createdBy", ("userId", "reference")),
    "regionId": ("region", ("id",)),
    "parentCustomer": ("parentCustomer", ("id", "reference")),
}
_AFTER_INVOICE_DATE = "daysAfterInvoiceDate"  # answered for 1; the word for 2 is unknown
_COUNTRIES = frozenset({"country", "billingCountry"})
_ISO_CODE_LENGTH = 2
_QUOTED = {code: quote_plus(chr(code)) for code in range(128)}


def segment(reference: str) -> str:
    """Write a reference as one segment of a path; raises UnsendableError for what no segment can be.

    `.` and `..` are no names but steps, even percent-encoded: servers and proxies resolve them.
    """
    if reference in {"", ".", ".."}:
        raise UnsendableError(Refusal("invalid_reference", _KEY, "empty, . or .. cannot be a reference"))
    if any(unicodedata.category(character) == "Cc" for character in reference):
        raise UnsendableError(Refusal("invalid_reference", _KEY, "holds a control character"))
    try:
        return quote(reference, safe="")
    except UnicodeEncodeError:
        raise UnsendableError(_half_a_character(_KEY)) from None


def encode(values: Mapping[str, object]) -> bytes:
    """Write values as an `application/x-www-form-urlencoded` body; raises UnsendableError for broken text."""
    pairs = [
        (name, value if type(value) is str else to_text(name, value)) for name, value in values.items() if name != _KEY
    ]
    try:
        return "&".join([f"{name}={_quoted(text)}" for name, text in pairs]).encode("ascii")
    except UnicodeEncodeError:
        raise UnsendableError(_half_a_character(next(name for name, text in pairs if _is_broken(text)))) from None


def _quoted(text: str) -> str:
    """Quote as `urllib.parse.quote_plus` does, which takes the bytes one by one; ASCII text needs but one look-up."""
    return text.translate(_QUOTED) if text.isascii() else quote_plus(text)


def _is_broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _half_a_character(name: str) -> Refusal:
    return Refusal("invalid_text", name, "holds half a character (a lone surrogate)")


def has_image(values: Mapping[str, object]) -> bool:
    """Say whether a value is an image: a file, an address, or its bytes."""
    return any(isinstance(value, Image) for value in values.values())


def split_images(values: Mapping[str, object]) -> tuple[dict[str, str], dict[str, Image]]:
    """Write values as the parts of a multipart form: text by name, and the images to be got."""
    files: dict[str, Image] = {name: value for name, value in values.items() if isinstance(value, Image)}
    texts = {name: to_text(name, value) for name, value in values.items() if name != _KEY and name not in files}
    if broken := next((name for name, text in texts.items() if _is_broken(text)), None):
        raise UnsendableError(_half_a_character(broken))
    return texts, files


def to_text(name: str, value: object) -> str:
    """Write one value; raises ConfigurationError, without the value, for a kind that a form cannot carry."""
    match value:
        case str() | None:
            return value or ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() | float():
            return format(Decimal(str(value)), "f")  # never an exponent
        case date():
            return value.isoformat()
        case list() | tuple():
            entries = [_with_id(entry) for entry in value] if name == "paymentTypes" else list(value)
            return json.dumps(entries, ensure_ascii=False, default=str)
        case _:
            raise ConfigurationError(f"valomnia: upsert: {name} holds a {type(value).__name__}; a form cannot carry it")


def _with_id(entry: object) -> object:
    if isinstance(entry, Mapping):
        return entry
    return {"id": int(entry) if isinstance(entry, str) and entry.isascii() and entry.isdecimal() else entry}


def read_file(name: str, path: Path) -> bytes:
    """Read an image; raises UnsendableError. Blocks: call it in a thread."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for without end
            raise UnsendableError(Refusal("unreadable_file", name, "not a regular file"))
        with path.open("rb") as file:
            return file.read(IMAGE_BYTES + 1)
    except OSError:
        raise UnsendableError(Refusal("unreadable_file", name, "the file cannot be read")) from None


def media_type(name: str, content: bytes) -> str:
    """Tell an image's media type by its first bytes; raises UnsendableError where it is none, or too large."""
    if len(content) > IMAGE_BYTES:
        raise UnsendableError(Refusal("exceeded_file_size", name, "image size should not exceed 2Mo"))
    kind = next((kind for signature, kind in _IMAGES.items() if content.startswith(signature)), None)
    if kind is None:
        raise UnsendableError(Refusal("unsupported_file_type", name, "image format not supported."))
    return f"image/{kind}"


def differing(content: Mapping[str, object], values: Mapping[str, object]) -> tuple[str, ...]:
    """Name the fields of which a customer as answered does not prove that they were written, each under its read name.

    What an answer cannot show proves nothing: an image, a country by a name that is nobody's (it is answered as ISO
    code), and a field that the answer does not have.
    """
    return tuple(sorted(name for name, value in values.items() if not _is_shown(content, name, value)))


def _is_shown(content: Mapping[str, object], name: str, value: object) -> bool:
    read_name, identities = _READ_AS.get(name, (name, ()))
    if read_name not in content or isinstance(value, Image):
        return False
    shown = content[read_name]
    sent = to_text(name, value).strip()
    if name in _COUNTRIES and len(sent) > _ISO_CODE_LENGTH:
        sent = _iso_code(sent) or sent
    if sent == "":
        return shown in (None, "", [])
    if isinstance(shown, list) and isinstance(value, Sequence):
        return _ids(shown) == _ids(value)
    if name == "dueDateConfigType":
        return (sent == "1") == (shown == _AFTER_INVOICE_DATE)
    if isinstance(shown, Mapping):
        return sent in {str(shown[key]) for key in identities if key in shown}
    return _equal(sent, shown)


def _iso_code(country: str) -> str:
    """Give the code that a country's name, or its longer code, is answered as; "" for what names none."""
    import pycountry  # its tables take a while to load, and few rows need them

    try:
        return str(pycountry.countries.lookup(country).alpha_2)
    except LookupError:
        return ""


def _ids(entries: Sequence[object]) -> set[str]:
    return {str(entry.get("id")) if isinstance(entry, Mapping) else str(entry) for entry in entries}


def _equal(sent: str, shown: object) -> bool:
    """Compare in the kind that the answer has: 5000.00 is 5000, and true is no number."""
    if isinstance(shown, bool):
        return sent == ("true" if shown else "false")
    if isinstance(shown, int | float):
        try:
            return Decimal(sent) == Decimal(str(shown))
        except InvalidOperation:
            return False
    return isinstance(shown, str) and sent == shown.strip()
