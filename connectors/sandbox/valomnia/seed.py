"""What a Valomnia organisation holds besides customers: categories, users, currencies and the like. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import pycountry


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a customer can refer to by its id or, where it has one, its reference."""

    id: int
    reference: str
    name: str


@dataclass(frozen=True, slots=True)
class Seeds:
    """The organisation's own data. The first category is the root one, the first user the one who calls.

    The samples of the vendor's page show category 2, segmentation 1, user 2, regions 2 and 3, payment types 7 and 8.
    """

    categories: tuple[Entity, ...] = (
        Entity(1, "root", "All customers"),
        Entity(2, "jewelry", "Jewelry and accessories"),
        Entity(3, "retail", "Retail"),
    )
    segmentations: tuple[Entity, ...] = (Entity(1, "seg_a", "Segmentation A"), Entity(2, "seg_b", "Segmentation B"))
    users: tuple[Entity, ...] = (Entity(1, "emp-001", "Sandbox"), Entity(2, "emp-002", "Marie"))
    regions: tuple[Entity, ...] = (Entity(1, "", "Nevada"), Entity(2, "", "California"), Entity(3, "", "New York"))
    payment_types: tuple[Entity, ...] = (Entity(7, "cash", "cash"), Entity(8, "cheque", "cheque"))
    currencies: frozenset[str] = field(default_factory=lambda: frozenset({"EUR", "USD", "GBP"}))
    default_currency: str = "EUR"


class Pool:
    """Entities of one kind, under the name that error messages use and the path segment that links use."""

    def __init__(self, kind: str, resource: str, entities: Sequence[Entity]) -> None:
        self.kind = kind
        self.resource = resource
        self.entities = entities
        self._by_id = {entity.id: entity for entity in entities}
        self._by_reference = {entity.reference: entity for entity in entities if entity.reference}

    def by_id(self, entity_id: int) -> Entity | None:
        """Find by numeric id."""
        return self._by_id.get(entity_id)

    def by_reference(self, reference: str) -> Entity | None:
        """Find by external reference, case and all."""
        return self._by_reference.get(reference)


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """Find the ISO 3166-1 alpha-2 code for a code or an English country name; None where there is no such country."""
    try:
        country = pycountry.countries.lookup(text)
    except LookupError:
        return None
    return str(country.alpha_2)


@lru_cache(maxsize=1024)
def is_iso_currency(text: str) -> bool:
    """Say whether ISO 4217 knows the code, configured or not."""
    return pycountry.currencies.get(alpha_3=text) is not None
