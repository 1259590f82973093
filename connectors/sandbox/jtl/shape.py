"""The customer model of version 1.x: which properties each object has, and what each may hold. Knows no HTTP.

Inferred: int32 properties take whole JSON numbers alone, text takes strings alone, and required text is not empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.sandbox.jtl.moment import read_moment
from connectors.sandbox.jtl.seed import Entity, Seeds

Read = Callable[[object], object]
"""Takes a JSON value other than null as answers show it; raises ValueError with what is the matter."""

_INT32 = 2**31
_DECIMAL = 2**96 - 1


@dataclass(frozen=True, slots=True)
class Part:
    """An object inside another; one that is not `optional` is never null, its properties are."""

    shape: Shape
    optional: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """A list of objects, empty where there is none."""

    shape: Shape


@dataclass(frozen=True, slots=True)
class Shape:
    """An object's properties in the order of answers; those of `required` are never null once it is saved."""

    properties: Mapping[str, Read | Part | Parts]
    required: Sequence[str] = ()
    has_id: bool = False
    blank: Mapping[str, object] = field(init=False)

    def __post_init__(self) -> None:
        blank = {name: _blank(kind) for name, kind in self.properties.items()}
        object.__setattr__(self, "blank", {"Id": None, **blank} if self.has_id else blank)


def _blank(kind: Read | Part | Parts) -> object:
    match kind:
        case Parts():
            return []
        case Part(optional=False):
            return kind.shape.blank
        case _:
            return None


def text(least: int = 0, most: int | None = None) -> Read:
    """Take a string of so many characters."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("The value is no string.")  # noqa: TRY004 - a wrong value, not a wrong call
        if len(value) < least or (most is not None and len(value) > most):
            raise ValueError(f"The length must be between {least} and {most}." if most else "The value is empty.")
        return value

    return read


def int32(value: object) -> int:
    """Take a whole number of 32 bits."""
    if type(value) is not int or not -_INT32 <= value < _INT32:
        raise ValueError("The value is no 32-bit integer.")
    return value


def number(value: object) -> float:
    """Take a decimal number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _DECIMAL:
        raise ValueError("The value is no number.")
    return value


def boolean(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise ValueError("The value is no boolean.")  # noqa: TRY004 - a wrong value, not a wrong call
    return value


def key(entities: Sequence[Entity]) -> Read:
    """Take the id of something that exists; that an unknown one is named like any wrong value is inferred."""
    ids = {entity.id for entity in entities}

    def read(value: object) -> int:
        if int32(value) not in ids:
            raise ValueError("There is no such id.")
        return int32(value)

    return read


def _moment(*, accepts_dates: bool) -> Read:
    def read(value: object) -> str:
        return read_moment(value if isinstance(value, str) else "", accepts_dates=accepts_dates)

    return read


_TEXT = text()
ADDRESS = Shape(
    {
        **dict.fromkeys(("Company", "Company2", "FormOfAddress", "Title", "FirstName", "LastName", "Street"), _TEXT),
        **dict.fromkeys(("Address2", "PostalCode"), _TEXT),
        "City": text(1, 255),
        "State": _TEXT,
        "CountryIso": text(1, 5),
        **dict.fromkeys(("VatID", "PhoneNumber", "MobilePhoneNumber", "EmailAddress", "Fax"), _TEXT),
    },
    required=("City", "CountryIso"),
    has_id=True,
)
OTHER_ADDRESSES = Shape(
    dict.fromkeys(("OtherBillingAddresses", "OtherShippingAddresses", "OtherCustomerAddresses"), Parts(ADDRESS))
)


def customer_shape(seeds: Seeds, *, accepts_dates: bool) -> Shape:
    """Make the model of a customer who refers to these seeds."""
    moment = _moment(accepts_dates=accepts_dates)
    payment = Shape(
        {
            "PaymentMethodId": key(seeds.payment_methods),
            "Discount": number,
            "PaymentTarget": int32,
            "CreditLimit": int32,
            "StopPaymentRequest": boolean,
        }
    )
    properties: dict[str, Read | Part | Parts] = {
        "Number": text(1),
        "CustomerGroupId": key(seeds.groups),
        "BillingAddress": Part(ADDRESS, optional=True),
        "Shipmentaddress": Part(ADDRESS, optional=True),
        "CustomAddress": Part(ADDRESS, optional=True),
        "OtherAddresses": Part(OTHER_ADDRESSES, optional=False),
        "PaymentSettings": Part(payment, optional=False),
        "CustomerSince": moment,
        "LastChange": moment,
        "LanguageIso": text(1),
        "InternalCompanyId": key(seeds.companies),
        "CustomerCategoryId": key(seeds.categories),
        "TaxIdentificationNumber": _TEXT,
        "AccountsReceivableNumber": int32,
        **dict.fromkeys(("CommercialRegisterNumber", "Website", "InitialContact", "EbayUsername"), _TEXT),
        "Birthday": moment,
        **dict.fromkeys(("IsLocked", "IsCashRegisterBased"), boolean),
    }
    required = ("Number", "CustomerGroupId", "BillingAddress", "LanguageIso", "InternalCompanyId")
    return Shape(properties, required, has_id=True)
