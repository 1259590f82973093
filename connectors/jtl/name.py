"""Knows JTL-Wawi's names of a customer's properties, and gives them back whatever the casing; converts no value.

The names are those of the vendor's file of API 1.0, `Shipmentaddress` with its small a and `VatID` included. Versions
of the server have answered in other casings, so answers are read by the letters alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ADDRESS = (
    *("Id", "Company", "Company2", "FormOfAddress", "Title", "FirstName", "LastName", "Street", "Address2"),
    *("PostalCode", "City", "State", "CountryIso", "VatID", "PhoneNumber", "MobilePhoneNumber", "EmailAddress", "Fax"),
)
_OWNERS = (
    *("BillingAddress", "Shipmentaddress", "CustomAddress", "OtherAddresses.OtherBillingAddresses"),
    *("OtherAddresses.OtherShippingAddresses", "OtherAddresses.OtherCustomerAddresses"),
)
DOCUMENTED = (
    *("Id", "Number", "CustomerGroupId", "CustomerCategoryId", "InternalCompanyId", "LanguageIso"),
    *(f"{owner}.{name}" for owner in _OWNERS for name in ADDRESS),
    *("PaymentSettings.PaymentMethodId", "PaymentSettings.Discount", "PaymentSettings.PaymentTarget"),
    *("PaymentSettings.CreditLimit", "PaymentSettings.StopPaymentRequest", "CustomerSince", "LastChange"),
    *("TaxIdentificationNumber", "AccountsReceivableNumber", "CommercialRegisterNumber", "Website"),
    *("InitialContact", "EbayUsername", "Birthday", "IsLocked", "IsCashRegisterBased"),
)
"""A customer as API 1.0 answers it; `LastChange` is described on the vendor's page, its name is inferred."""

_LONGEST_NAME = 100
_INDEX = re.compile(r"\[\d+\]")


@dataclass(slots=True)
class _Name:
    """A documented name, and those below it by their letters."""

    spelling: str = ""
    below: dict[str, _Name] = field(default_factory=dict)

    def add(self, parts: Iterable[str]) -> None:
        place = self
        for part in parts:
            place = place.below.setdefault(part.lower(), _Name(part))


_ROOT = _Name()
for _column in DOCUMENTED:
    _ROOT.add(_column.split("."))
_UNKNOWN = _Name()


def respell(record: Mapping[str, object]) -> dict[str, object]:
    """Give a customer's properties their documented names, nested ones too; unknown names stay as they are."""
    return _respelled(record, _ROOT)


def pick(content: Mapping[str, object], name: str) -> object:
    """Find a member whatever its casing; Ellipsis where there is none."""
    if name in content:
        return content[name]
    letters = name.lower()
    return next((value for key, value in content.items() if key.lower() == letters), ...)


def property_name(text: str) -> str:
    """Read the property that a refusal names as the dotted name of ours; cut where it is none that we know."""
    place, spelled = _ROOT, []
    for part in _INDEX.sub("", text).removeprefix("$.").split("."):
        place = place.below.get(part.strip().lower(), _UNKNOWN)
        spelled.append(place.spelling)
    return ".".join(spelled) if all(spelled) else text.strip()[:_LONGEST_NAME]


def _respelled(record: Mapping[str, object], place: _Name) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in record.items():
        name = place.below.get(key.lower())
        if name is None:
            found[key] = value
        elif name.spelling == key or name.spelling not in record:
            found[name.spelling] = _value(value, name) if name.below else value
    return found


def _value(value: object, place: _Name) -> object:
    match value:
        case dict():
            return _respelled(value, place)
        case list():
            return [_respelled(item, place) if isinstance(item, dict) else item for item in value]
        case _:
            return value
