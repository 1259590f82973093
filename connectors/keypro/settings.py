"""What a job file says about a Keypro server; never shows a secret, not even in its own errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr

from connectors.keypro.property import FIELDS, READ_ONLY
from connectors.moment import Duration
from connectors.settings import ApiSettings, Settling, TargetSettings

ConstantKind = Literal["customer_type", "customer_status", "language", "restricted_type"]

GROUPS: Mapping[str, str] = {
    "customer_type": "customertype",
    "customer_status": "customerstatus",
    "language": "language",
    "restricted_type": "restrictedtype",
}
"""The groups of constants (inferred: neither these names are documented, nor that the ids are constants at all)."""


def _token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("is no token: write it without the word Token and without blanks")
    return token


def _field(name: str) -> str:
    if name not in FIELDS:
        raise ValueError("is no field of a customer")
    return name


def _writable(name: str) -> str:
    if _field(name) in READ_ONLY:
        raise ValueError("is the server's own and can be no reference")
    return name


FieldName = Annotated[str, AfterValidator(_field)]


class Access(ApiSettings):
    """Where the Keypro environment is and who asks.

    No page shows a base URL (a host for each customer, and something like `/api/v2` behind it, are inferred), the
    names of properties, or which property names a customer in both systems.
    """

    kind: Literal["keypro"]
    base_url: Annotated[str, Field(min_length=1, description="everything before /customers/")]
    token: Annotated[SecretStr, AfterValidator(_token), Field(description="of the user whose rights count")]
    reference_field: Annotated[str, AfterValidator(_writable), Field(description="names a customer on both sides")] = (
        "customerNumber"
    )
    properties: Annotated[Mapping[FieldName, str], Field(description="field: its JSON property")] = {}
    constants: Annotated[
        Mapping[ConstantKind, Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]],
        Field(description="kind of entity: its group of constants"),
    ] = {}

    @property
    def adaptation(self) -> Mapping[str, Any]:
        """Another field may name customers, and the guessed names of properties may be replaced."""
        return {"reference": self.reference_field, "properties": self.properties}

    def group(self, kind: str) -> str | None:
        """Name the group of constants of a kind of entity; None where no kind is called so."""
        return next((name for known, name in self.constants.items() if known == kind), GROUPS.get(kind))


class KeyproSettings(Access, TargetSettings):
    """Keypro as a target, and how hard it may be pressed (no page tells of limits)."""

    settling: Annotated[Settling, Field(description="how long a new customer may not be found yet")] = 5.0


class KeyproSourceSettings(Access):
    """Keypro as a source, read by `dateModified` in the order of ids."""

    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)
