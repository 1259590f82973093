"""Shows customers and what surrounds them as Valomnia's answers do, every documented key in its place."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.sandbox.valomnia.book import Customer, CustomerBook
from connectors.sandbox.valomnia.seed import Entity, Pool

ANSWER_KEYS = (
    *("id", "reference", "reference2", "name", "categoryReference", "customerCategory", "isSubCustomer"),
    *("parentCustomer", "billWithParent", "customerSegmentationReference", "customerSegmentation", "pocTenus"),
    *("email", "logo", "phone", "mobile", "fax", "comment", "barcode", "isSameAddress", "billingCountry"),
    *("billingCity", "billingPostalCode", "billingAddress", "billingLat", "billingLng", "country", "city"),
    *("postalCode", "address", "latitude", "longitude", "isCredit", "creditLimit", "balance", "maxChequePeriod"),
    *("maxChequeValue", "appliedCashBackOutput", "returnDiscount", "invoicesPerRoute", "isActive", "onHold"),
    *("onHoldReason", "paymentTerm", "createdBy", "dueDateConfigNumber", "dueDateConfigType", "paymentTypes"),
    *("website", "taxNumber", "companyRegistrationNumber", "contacts", "currency", "customerRisk"),
    *("customerRiskColor", "organization", "dateCreated", "lastUpdated"),
)
"""The keys of the vendor's samples in their order; what no request can set is null."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where the links of an answer lead: `prefix` is `/api/<version>`, `origin` goes before image addresses."""

    prefix: str
    origin: str

    def to(self, resource: str, entity_id: int) -> str:
        """Make the relative address of one entity."""
        return f"{self.prefix}/{resource}/{entity_id}"

    def entity(self, resource: str, entity: Entity | Customer, name: object) -> dict[str, object]:
        """Refer to an entity with the four keys of the samples."""
        return {
            "id": entity.id,
            "reference": entity.reference,
            "name": name,
            "href": self.to(resource, entity.id),
        }


class CustomerView:
    """Makes the documented object of a customer; `region` is there only with geographical locations."""

    def __init__(self, book: CustomerBook, organization: str, *, geographical_locations: bool) -> None:
        self._book = book
        self._organization = organization
        self._geographical_locations = geographical_locations

    def show(self, customer: Customer, link: Link) -> dict[str, object]:
        """Make the answer's object; a parent is shown with the four keys of other references (inferred)."""
        category, segmentation, user = customer.category, customer.segmentation, customer.user
        answer: dict[str, object] = dict.fromkeys(ANSWER_KEYS)
        answer |= customer.values
        answer |= {
            "id": customer.id,
            "reference": customer.reference,
            "categoryReference": category.reference,
            "customerCategory": link.entity("customerCategories", category, category.name),
            "createdBy": {"userId": user.id, "reference": user.reference, "href": link.to("users", user.id)},
            "paymentTypes": [link.entity("paymentTypes", item, item.name) for item in customer.payment_types],
            "contacts": [],
            "organization": self._organization,
            "dateCreated": customer.created,
            "lastUpdated": customer.updated,
        }
        if segmentation is not None:
            answer["customerSegmentationReference"] = segmentation.reference
            answer["customerSegmentation"] = link.entity("customerSegmentations", segmentation, segmentation.name)
        if answer["logo"] is not None:
            answer["logo"] = f"{link.origin}{answer['logo']}"
        parent = None if customer.parent_id is None else self._book.by_id(customer.parent_id)
        if parent is not None:
            answer["parentCustomer"] = link.entity("customers", parent, parent.values["name"])
        if self._geographical_locations:
            answer["region"] = _show_region(customer.region, link)
        return answer


def _show_region(region: Entity | None, link: Link) -> dict[str, object] | None:
    if region is None:
        return None
    return {"id": region.id, "name": region.name, "href": link.to("regions", region.id)}


def show_entity(pool: Pool, entity: Entity, organization: str) -> dict[str, object]:
    """Make the object of a category, payment type or region as its own page shows it.

    The object of a region is inferred: its page was seen to its filters only.
    """
    dates = {"dateCreated": "2015-12-17T23:00:00Z", "lastUpdated": "2015-12-17T23:00:00Z"}
    rest = {"organization": organization, **dates}
    match pool.resource:
        case "customerCategories":
            is_root = entity is pool.entities[0]
            tree = {"isRoot": is_root, "parentId": None, "parentCategory": None}
            texts = {"reference": entity.reference, "description": None, "image": None}
            return {"id": entity.id, "name": entity.name, **tree, **texts, **rest}
        case "paymentTypes":
            return {"id": entity.id, "name": entity.name, "reference": entity.reference, "isActive": True, **rest}
        case _:
            return {"id": entity.id, "name": entity.name, **rest}
