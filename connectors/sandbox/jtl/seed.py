"""What a JTL-Wawi tenant holds besides customers: groups, categories, companies and payment methods. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that a customer can refer to by its id."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Seeds:
    """The tenant's own data, all of it invented."""

    groups: tuple[Entity, ...] = (Entity(1, "End customers"), Entity(2, "Retailers"))
    categories: tuple[Entity, ...] = (Entity(1, "Regular"), Entity(2, "Wholesale"), Entity(3, "Prospect"))
    companies: tuple[Entity, ...] = (Entity(1, "Sandbox Ltd"), Entity(2, "Sandbox Outlet Ltd"))
    payment_methods: tuple[Entity, ...] = (Entity(1, "Invoice"), Entity(2, "Prepayment"), Entity(3, "Cash"))

    @property
    def lists(self) -> Mapping[str, Sequence[Entity]]:
        """The look-ups by the last segment of their path."""
        return {
            "customerGroups": self.groups,
            "customerCategories": self.categories,
            "companies": self.companies,
            "paymentMethods": self.payment_methods,
        }


def show_entities(entities: Sequence[Entity]) -> list[dict[str, object]]:
    """Make the plain array of a look-up; that its objects are `Id` and `Name` is inferred."""
    return [{"Id": entity.id, "Name": entity.name} for entity in entities]
