"""Knows the fields of Keypro's customers, and under which JSON properties a server shows and takes them; no I/O.

The vendor's pages describe 28 properties and have lost their names. So the names of the fields are ours, and a job says
what the properties are called.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from connectors.protocol import ConfigurationError

FIELDS = (
    *("Address", "Language", "RestrictedType", "Status", "Type", "apartment", "cooperativeDate", "cooperativeMember"),
    *("cooperativeReimbursementDate", "cooperativeSum", "country", "customerEmail", "customerName"),
    *("customerNameExtension", "customerNumber", "customerPhone", "dateModified", "id", "identification"),
    *("invoiceCountry", "invoiceName", "isEditable", "isSmsDisabled", "note", "phone2", "sms2"),
    *("socialSecurityNumber", "waterDbId"),
)
"""In the documented order."""

READ_ONLY = frozenset({"id", "dateModified"})
"""Inferred from what they mean: the pages list them among what is sent as well."""

_QUERY = frozenset({"limit", "offset", "orderby", "srs"})  # what a list request takes beside filters
_PROPERTY = re.compile(r"[^\s,.&=]+")
_ID = re.compile(r"0|[1-9][0-9]{0,30}")


class Properties:
    """The JSON property of every field; one that the table leaves out is called as its field.

    Raises ConfigurationError for a table that cannot be: two fields in one property, or a name that no filter could
    be made of (a double underscore leads to a nested field, a comma ends a name).
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._properties = {field: table.get(field, field) for field in FIELDS}
        self._fields = {name: field for field, name in self._properties.items()}
        for field, name in self._properties.items():
            if not _PROPERTY.fullmatch(name) or not name.isprintable() or "__" in name or name in _QUERY:
                raise ConfigurationError(f"keypro: properties: {field} has a name that no property can have")
            if self._fields[name] != field:
                raise ConfigurationError(f"keypro: properties: {field} and {self._fields[name]} have one name")

    def name(self, field: str) -> str:
        """Give the property of a field."""
        return self._properties.get(field, field)

    def field(self, name: str) -> str:
        """Give the field of a property; one that no field has keeps its name."""
        return self._fields.get(name, name)

    def rename(self, customer: Mapping[str, object]) -> dict[str, object]:
        """Give a customer's values by field; what no field has keeps its name, unless that is a field's."""
        values = {field: customer[name] for field, name in self._properties.items() if name in customer}
        others = {name: value for name, value in customer.items() if name not in self._fields and name not in FIELDS}
        return values | others


def read_id(value: object) -> str | None:
    """Read a primary key (documented as a whole number) as text; None where it is none."""
    match value:
        case bool():
            return None
        case int() if value >= 0:
            return str(value)
        case str() if _ID.fullmatch(value):
            return value
        case _:
            return None


def read_reference(value: object) -> str | None:
    """Read a reference as it is compared: text or a whole number, trimmed and in NFC; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return unicodedata.normalize("NFC", str(value).strip()) or None
