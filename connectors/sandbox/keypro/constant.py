"""The constants that a Keypro customer's ids refer to, as the vendor's page on constants shows them. Reads only.

Source: https://support.keypro.fi/apidocs/get-list-of-constants, whose copy is cut after `num_value2`; `txt` is taken
from where constants are shown inside other objects. The types are inferred from the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sandbox.keypro.field import Column, Kind
from connectors.sandbox.keypro.value import read_moment

_KINDS: Mapping[str, Kind] = {
    "availability_end_ts": "moment",
    "availability_start_ts": "moment",
    "available": "boolean",
    "groupname": "text",
    "id": "integer",
    "logical_txt": "text",
    "num_value": "number",
    "num_value2": "number",
    "txt": "text",
}
CONSTANT_COLUMNS: Mapping[str, Column] = {name: Column(name, kind) for name, kind in _KINDS.items()}
"""What constants can be filtered and ordered by, which is everything that they show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One entry of a group; its times are ISO-8601 in UTC with Z."""

    groupname: str
    id: int
    txt: str
    logical_txt: str | None = None
    num_value: float | None = None
    num_value2: float | None = None
    available: bool = True
    availability_start_ts: str | None = None
    availability_end_ts: str | None = None

    def show(self) -> dict[str, object]:
        """Make the answer's object."""
        return {name: getattr(self, name) for name in CONSTANT_COLUMNS}

    def read_field(self, name: str) -> object:
        """Give a value as filters compare it, times as times."""
        value = getattr(self, name)
        return read_moment(value) if value is not None and _KINDS[name] == "moment" else value


CONSTANTS = (
    Constant(groupname="customertype", id=1, txt="Person", logical_txt="person"),
    Constant(groupname="customertype", id=2, txt="Company", logical_txt="company"),
    Constant(groupname="customertype", id=3, txt="Cooperative", logical_txt="cooperative", available=False),
    Constant(groupname="customerstatus", id=11, txt="Active", logical_txt="active", num_value=1),
    Constant(groupname="customerstatus", id=12, txt="Former", logical_txt="former", num_value=0),
    Constant(groupname="language", id=21, txt="Finnish", logical_txt="fi"),
    Constant(groupname="language", id=22, txt="Swedish", logical_txt="sv"),
    Constant(groupname="language", id=23, txt="English", logical_txt="en"),
    Constant(groupname="restrictedtype", id=31, txt="Not restricted", logical_txt="open", num_value=0),
    Constant(groupname="restrictedtype", id=32, txt="Restricted", logical_txt="restricted", num_value=1),
)
"""Invented entries: neither the groups' names nor their ids are documented."""
