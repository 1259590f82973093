"""The common customer vocabulary: the words in which every system's description says what its fields mean."""

from __future__ import annotations

from collections.abc import Mapping

ADDRESS_PARTS: Mapping[str, str] = {
    "street": "street and house number",
    "city": "town",
    "postal_code": "postal code",
    "state": "state, province or region in words",
    "country": "country",
    "latitude": "degrees north",
    "longitude": "degrees east",
}

VOCABULARY: Mapping[str, str] = {
    "reference": "the business key that names the customer on both sides",
    "second_reference": "another key beside the reference",
    "name": "name of the company or person",
    "first_name": "given name",
    "last_name": "family name",
    "email": "e-mail address",
    "phone": "telephone",
    "mobile": "mobile telephone",
    "fax": "telefax",
    "website": "address of the web site",
    "language": "language to write to the customer in",
    "comment": "free text about the customer",
    "active": "whether the customer may be dealt with",
    "blocked": "whether deliveries or orders are on hold",
    "blocked_reason": "why they are",
    "category": "category of customers",
    "segment": "segment of customers",
    "labels": "free labels",
    "parent": "the customer that this one belongs to",
    "owner": "user who looks after the customer",
    "tax_number": "tax or VAT number",
    "registration_number": "number in the trade register",
    "currency": "currency of invoices",
    "credit_limit": "most that may be owed",
    "payment_days": "days until payment is due",
    "payment_terms": "from when those days count",
    "payment_methods": "how the customer may pay",
    "image": "logo or photograph",
    **{f"billing.{part}": f"{words} of the billing address" for part, words in ADDRESS_PARTS.items()},
    **{f"shipping.{part}": f"{words} of the shipping address" for part, words in ADDRESS_PARTS.items()},
}
