"""Turns the text of one form field into the value that Valomnia keeps, or refuses it. Looks at no other field.

What the page leaves open and is inferred here: booleans are the lower-case words alone; empty text clears a field;
an unknown country and an unknown `dueDateConfigType` are `save_failed`, the page's general failure to save.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from connectors.sandbox.valomnia.refusal import invalid_type, save_failed
from connectors.sandbox.valomnia.seed import country_code

_LONG = re.compile(r"-?[0-9]{1,18}")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")

_DUE_DATE_WORDS = {"1": "daysAfterInvoiceDate", "2": "daysAfterEndOfInvoiceMonth"}
"""Only the word for 1 is in the vendor's samples; the one for 2 is inferred."""

TEXTS = (
    "name",
    "reference2",
    "barcode",
    "billingCity",
    "billingPostalCode",
    "billingAddress",
    "city",
    "postalCode",
    "address",
    "email",
    "phone",
    "mobile",
    "fax",
    "comment",
    "website",
    "taxNumber",
    "companyRegistrationNumber",
    "customerRisk",
    "customerRiskColor",
    "onHoldReason",
)
NUMBERS = ("billingLat", "billingLng", "latitude", "longitude", "creditLimit")
COUNTRIES = ("billingCountry", "country")
DEFAULTS: Mapping[str, object] = {
    "isActive": True,
    "isSubCustomer": False,
    "billWithParent": False,
    "isSameAddress": True,
    "onHold": False,
}
"""What the booleans are when nothing is said; every other plain field is then null."""


def read_long(name: str, text: str) -> int:
    """Read a whole number; raises ApiError invalid_param_type."""
    if not _LONG.fullmatch(text):
        raise invalid_type(name)
    return int(text)


def read_double(name: str, text: str) -> float:
    """Read a number, whole where it has no fraction, as the samples show it; raises ApiError invalid_param_type."""
    if not _DOUBLE.fullmatch(text):
        raise invalid_type(name)
    number = float(text)
    return int(number) if number.is_integer() else number


def read_boolean(name: str, text: str) -> bool:
    """Read `true` or `false`; raises ApiError invalid_param_type."""
    if text not in ("true", "false"):
        raise invalid_type(name)
    return text == "true"


def read_country(_name: str, text: str) -> str:
    """Read an ISO code or a country name as ISO-2; raises ApiError save_failed (inferred, the page names no error)."""
    code = country_code(text)
    if code is None:
        raise save_failed()
    return code


def read_due_date_type(_name: str, text: str) -> str:
    """Read `1` or `2` as the word that answers show; raises ApiError save_failed (inferred: the type is String)."""
    if text not in _DUE_DATE_WORDS:
        raise save_failed()
    return _DUE_DATE_WORDS[text]


def _read_text(_name: str, text: str) -> str:
    return text


READERS: Mapping[str, Callable[[str, str], object]] = {
    **dict.fromkeys(TEXTS, _read_text),
    **dict.fromkeys(DEFAULTS, read_boolean),
    **dict.fromkeys(NUMBERS, read_double),
    **dict.fromkeys(COUNTRIES, read_country),
    "dueDateConfigNumber": read_long,
    "dueDateConfigType": read_due_date_type,
}
"""The plain fields: those whose value depends on nothing but their own text."""


def read_payment_type_ids(text: str) -> list[int]:
    """Read `[{"id": 7}]`, or `[{"id"=7}]` as the page prints it; raises ApiError invalid_param_type."""
    try:
        items = json.loads(text)
    except ValueError:
        try:
            items = json.loads(re.sub(r'"\s*=', '":', text))
        except ValueError:
            raise invalid_type("paymentTypes") from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid_type("paymentTypes")
    ids = [item.get("id") for item in items]
    if not all(type(payment_type_id) is int for payment_type_id in ids):
        raise invalid_type("payment type id")
    return list(dict.fromkeys(ids))


def is_image(content: bytes) -> bool:
    """Say whether the bytes begin like a jpg, gif, png or bmp, whatever the file is called."""
    return content.startswith((b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"BM"))
