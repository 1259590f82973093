"""Valomnia's rules for writing a customer, and the object that answers show. Keeps nothing and knows no HTTP.

Inferred, beyond `valomnia_value`: numeric ids unless `useExternalId` or the reference path asks for references; on the
reference path a parent that is no reference may be an id ("Long/String" in the upsert's table); payment types and
regions by id alone; a reference in the body of an upsert that creates is not looked at; conditions between fields hold
for the customer as it would be saved, not for the request alone; every update moves `lastUpdated`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from connectors.sandbox.form import Form
from connectors.sandbox.valomnia.book import Customer, CustomerBook
from connectors.sandbox.valomnia.refusal import (
    currency_not_configured,
    image_too_large,
    image_unsupported,
    invalid_param,
    missing,
    not_found,
    not_unique,
    own_parent,
    unknown_currency,
)
from connectors.sandbox.valomnia.seed import Entity, Pool, Seeds, is_iso_currency
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.value import (
    DEFAULTS,
    READERS,
    is_image,
    read_boolean,
    read_long,
    read_payment_type_ids,
)

LINKS = ("categoryId", "customerSegmentationId", "userId", "regionId", "paymentTypes", "parentCustomer")
PARAMETERS = frozenset({"reference", "useExternalId", "imageFile", "currency", *LINKS, *READERS})


def iso_second(moment: datetime) -> str:
    """Write a UTC time as Valomnia does: to the second, with Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class CustomerDesk:
    """Makes customers and their next versions out of forms, against the organisation's seeds and the book."""

    def __init__(self, settings: ValomniaSettings, seeds: Seeds, book: CustomerBook) -> None:
        self._settings = settings
        self._seeds = seeds
        self._book = book
        self.categories = Pool("customer category", "customerCategories", seeds.categories)
        self.segmentations = Pool("customer segmentation", "customerSegmentations", seeds.segmentations)
        self.users = Pool("user", "users", seeds.users)
        self.regions = Pool("region", "regions", seeds.regions)
        self.payment_types = Pool("payment type", "paymentTypes", seeds.payment_types)
        self._initial_values = {**DEFAULTS, "currency": seeds.default_currency}

    def create(self, form: Form, now: datetime, path_reference: str | None = None) -> Customer:
        """Make a new customer; its reference comes from the path of an upsert, else from the form. Raises ApiError."""
        reference = path_reference
        if reference is None:
            reference = self._clean(form.fields.get("reference", ""))
        if not reference:
            raise missing("reference")
        if self._book.by_reference(reference) is not None:
            raise not_unique()
        blank = Customer(
            id=0,
            reference=reference,
            values=dict(self._initial_values),
            category=self._seeds.categories[0],
            segmentation=None,
            user=self._seeds.users[0],
            region=None,
            payment_types=(),
            parent_id=None,
            created=iso_second(now),
            updated=iso_second(now),
        )
        external = path_reference is not None or self._wants_external(form)
        filled = self._fill(blank, form, now, external=external, or_id=path_reference is not None)
        return replace(filled, id=self._book.next_id())

    def update(self, current: Customer, form: Form, now: datetime, *, by_reference: bool) -> Customer:
        """Make the next version of a customer; fields that are not there stay. Raises ApiError."""
        reference = current.reference
        if "reference" in form.fields:
            reference = self._clean(form.fields["reference"]) or ""
            if not reference:
                raise missing("reference")
            if reference != current.reference and self._book.by_reference(reference) is not None:
                raise not_unique()
        external = by_reference or self._wants_external(form)
        filled = self._fill(current, form, now, external=external, or_id=by_reference)
        return replace(filled, reference=reference, updated=iso_second(now))

    def _clean(self, text: str) -> str | None:
        if self._settings.trims_text:
            text = text.strip()
        return text or None

    def _wants_external(self, form: Form) -> bool:
        return read_boolean("useExternalId", form.fields.get("useExternalId", "") or "false")

    def _fill(self, customer: Customer, form: Form, now: datetime, *, external: bool, or_id: bool) -> Customer:
        unknown = sorted((form.fields.keys() | form.files.keys()) - PARAMETERS)
        if unknown and self._settings.unknown_parameters == "refuse":
            raise invalid_param(unknown)
        fields = {name: self._clean(text) for name, text in form.fields.items()}
        values = customer.values | self._plain_values(fields)
        if not values.get("name"):
            raise missing("name")
        if "imageFile" in form.files or "imageFile" in fields:
            values["logo"] = self._logo(form, now)
        filled = self._link(replace(customer, values=values), fields, external=external)
        if "parentCustomer" in fields:
            parent_id = self._parent_id(customer, fields["parentCustomer"], external=external, or_id=or_id)
            filled = replace(filled, parent_id=parent_id)
        if values["isSubCustomer"] and filled.parent_id is None:
            raise missing("parentCustomer")
        if values.get("dueDateConfigType") is not None and values.get("dueDateConfigNumber") is None:
            raise missing("dueDateConfigNumber")
        return filled

    def _plain_values(self, fields: dict[str, str | None]) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, text in fields.items():
            if name in READERS:
                values[name] = DEFAULTS.get(name) if text is None else READERS[name](name, text)
        if "currency" in fields:
            values["currency"] = self._currency(fields["currency"])
        return values

    def _currency(self, code: str | None) -> str:
        if code is None:
            return self._seeds.default_currency
        if code in self._seeds.currencies:
            return code
        raise currency_not_configured(code) if is_iso_currency(code) else unknown_currency(code)

    def _logo(self, form: Form, now: datetime) -> str | None:
        upload = form.files.get("imageFile")
        if upload is None:
            if self._clean(form.fields["imageFile"]) is not None:
                raise image_unsupported()
            return None
        if len(upload.content) > self._settings.image_limit_bytes:
            raise image_too_large()
        if not is_image(upload.content):
            raise image_unsupported()
        name = re.sub(r"[^\w.-]", "_", upload.name)
        # The origin goes before it in the answer: the address depends on who asks.
        return f"/{self._settings.organization}-1450169988465/photoCustomer/{int(now.timestamp() * 1000)}_{name}"

    def _link(self, customer: Customer, fields: dict[str, str | None], *, external: bool) -> Customer:
        """Replace what the customer refers to, but for its parent."""
        category, segmentation, user, region = (
            customer.category,
            customer.segmentation,
            customer.user,
            customer.region,
        )
        payment_types = customer.payment_types
        if "categoryId" in fields:
            found = self._find(self.categories, "categoryId", fields["categoryId"], external=external)
            category = found or self._seeds.categories[0]
        if "customerSegmentationId" in fields:
            text = fields["customerSegmentationId"]
            segmentation = self._find(self.segmentations, "customerSegmentationId", text, external=external)
        if "userId" in fields:
            user = self._find(self.users, "userId", fields["userId"], external=external) or self._seeds.users[0]
        if "regionId" in fields and self._settings.geographical_locations:
            region = self._find(self.regions, "regionId", fields["regionId"], external=False)
        if "paymentTypes" in fields:
            payment_types = self._find_payment_types(fields["paymentTypes"])
        return replace(
            customer,
            category=category,
            segmentation=segmentation,
            user=user,
            region=region,
            payment_types=payment_types,
        )

    def _find(self, pool: Pool, name: str, text: str | None, *, external: bool) -> Entity | None:
        if text is None:
            return None
        entity = pool.by_reference(text) if external else pool.by_id(read_long(name, text))
        if entity is None:
            raise not_found(pool.kind, text)
        return entity

    def _find_payment_types(self, text: str | None) -> tuple[Entity, ...]:
        found = []
        for payment_type_id in read_payment_type_ids(text) if text is not None else ():
            entity = self.payment_types.by_id(payment_type_id)
            if entity is None:
                raise not_found(self.payment_types.kind, payment_type_id)
            found.append(entity)
        return tuple(found)

    def _parent_id(self, customer: Customer, text: str | None, *, external: bool, or_id: bool) -> int | None:
        if text is None:
            return None
        parent = self._book.by_reference(text) if external else self._book.by_id(read_long("parentCustomer", text))
        if parent is None and or_id and text.isdecimal():
            parent = self._book.by_id(int(text))
        if parent is None:
            raise not_found("parent customer", text)
        if parent.id == customer.id:
            raise own_parent()
        return parent.id
