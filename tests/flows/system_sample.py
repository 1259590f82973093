"""Customers that carry every field of a system, as the system takes and shows them; written from the vendors' pages.

`WORDS` says, in the test's own words, where each system shows what it shares with others. It knows no description.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Values = Mapping[str, Any]

REFERENCES = tuple(str(uuid.uuid5(uuid.NAMESPACE_DNS, f"customer-{number}.example")) for number in range(3))
NAMES = ("Bäckerei Sommer & Söhne", "株式会社 Nordwind 🌻", 'O\'Neill "Fish" <Ltd>')


def valomnia(number: int) -> dict[str, Any]:
    """Make a customer as Valomnia's form takes it."""
    customer = {
        "reference": REFERENCES[number],
        "name": NAMES[number],
        "reference2": f"second-{number}",
        "barcode": f"40{number:011}",
        "isActive": "false" if number == 1 else "true",
        "categoryId": ("jewelry", "retail", "root")[number],
        "billWithParent": "true" if number == 2 else "false",
        "isSubCustomer": "true" if number == 2 else "false",
        "customerSegmentationId": ("seg_a", "seg_b", "seg_a")[number],
        "userId": ("emp-002", "emp-001", "emp-002")[number],
        "isSameAddress": "false",
        "billingCountry": ("DE", "JP", "IE")[number],
        "billingCity": ("Köln", "Osaka", "Cork")[number],
        "billingPostalCode": ("50667", "530-0001", "T12 X70A")[number],
        "billingAddress": f"Obere Straße {number} a",
        "billingLat": "50.9375",
        "billingLng": "6.9603",
        "country": ("AT", "JP", "GB")[number],
        "city": ("Wien", "Kyoto", "Belfast")[number],
        "postalCode": ("1010", "600-8001", "BT1 5GS")[number],
        "address": f"Lagerplatz {number}",
        "latitude": "48.2082",
        "longitude": "16.3738",
        "email": f"desk{number}@customer.example",
        "phone": f"+49 221 555 010{number}",
        "mobile": f"+49 151 555 010{number}",
        "fax": f"+49 221 555 020{number}",
        "comment": "calls back\nafter nine",
        "website": "https://customer.example/?a=1&b=2",
        "creditLimit": ("5000", "0", "12000")[number],
        "dueDateConfigNumber": str(30 + number),
        "dueDateConfigType": "1",
        "taxNumber": f"12/345/6789{number}",
        "companyRegistrationNumber": f"HRB 100{number}",
        "currency": ("EUR", "USD", "GBP")[number],
        "paymentTypes": ('[{"id": 7}]', '[{"id": 7}, {"id": 8}]', "[]")[number],
        "regionId": str(number + 1),
        "customerRisk": "low",
        "customerRiskColor": "#00FF00",
        "onHold": "true" if number == 1 else "false",
        "onHoldReason": "clearing" if number == 1 else "",
        "useExternalId": "true",
    }
    if number == 2:
        customer["parentCustomer"] = REFERENCES[0]
    if customer["paymentTypes"] == "[]":
        del customer["paymentTypes"]
    return {name: value for name, value in customer.items() if value != ""}


def keypro(number: int) -> dict[str, Any]:
    """Make a customer as Keypro takes it."""
    return {
        "Address": 500 + number,
        "Language": 21 + number,
        "RestrictedType": 31,
        "Status": 11 + number % 2,
        "Type": 1 + number,
        "apartment": 70 + number,
        "cooperativeDate": "2019-04-01",
        "cooperativeMember": number != 1,
        "cooperativeReimbursementDate": "2024-12-31",
        "cooperativeSum": 1250.5 + number,
        "country": ("DE", "JP", "IE")[number],
        "customerEmail": f"desk{number}@customer.example",
        "customerName": NAMES[number],
        "customerNameExtension": f"Branch {number}",
        "customerNumber": REFERENCES[number],
        "customerPhone": f"+358 9 555 010{number}",
        "identification": f"ident-{number}",
        "invoiceCountry": ("DE", "JP", "IE")[number],
        "invoiceName": f"Invoices of {number}",
        "isEditable": number == 0,
        "isSmsDisabled": number == 1,
        "note": "rings twice",
        "phone2": f"+358 40 555 010{number}",
        "sms2": number == 2,
        "socialSecurityNumber": f"invented-{number}",
        "waterDbId": 9000 + number,
    }


def _jtl_address(number: int, kind: str) -> dict[str, Any]:
    return {
        "Company": NAMES[number],
        "Company2": f"{kind} {number}",
        "FormOfAddress": ("Frau", "Herr", "Firma")[number],
        "Title": "Dr.",
        "FirstName": "Ada",
        "LastName": "Muster",
        "Street": f"{kind} street {number}",
        "Address2": "Rear building",
        "PostalCode": ("50667", "530-0001", "T12 X70A")[number],
        "City": ("Köln", "Osaka", "Cork")[number],
        "State": "Some state",
        "CountryIso": ("DE", "JP", "IE")[number],
        "VatID": f"XX12345678{number}",
        "PhoneNumber": f"+49 221 555 010{number}",
        "MobilePhoneNumber": f"+49 151 555 010{number}",
        "EmailAddress": f"{kind.lower()}{number}@customer.example",
        "Fax": f"+49 221 555 020{number}",
    }


def jtl(number: int) -> dict[str, Any]:
    """Make a customer as JTL-Wawi takes it."""
    return {
        "Number": REFERENCES[number],
        "CustomerGroupId": 1 + number % 2,
        "BillingAddress": _jtl_address(number, "Bill"),
        "Shipmentaddress": _jtl_address(number, "Ship"),
        "CustomAddress": _jtl_address(number, "Custom"),
        "PaymentSettings": {
            "PaymentMethodId": 1 + number,
            "Discount": 2.5,
            "PaymentTarget": 14 + number,
            "CreditLimit": 1000 * number,
            "StopPaymentRequest": number == 1,
        },
        "CustomerSince": "2020-02-01T00:00:00Z",
        "LanguageIso": ("DE", "EN", "FR")[number],
        "InternalCompanyId": 1 + number % 2,
        "CustomerCategoryId": 1 + number,
        "TaxIdentificationNumber": f"12/345/6789{number}",
        "AccountsReceivableNumber": 10000 + number,
        "CommercialRegisterNumber": f"HRB 100{number}",
        "Website": "https://customer.example/?a=1&b=2",
        "InitialContact": "Fair",
        "EbayUsername": f"buyer{number}",
        "Birthday": "1985-01-01T00:00:00Z",
        "IsLocked": number == 1,
        "IsCashRegisterBased": number == 2,
    }


def tradevest(number: int) -> dict[str, Any]:
    """Make a customer as tradevest takes it."""
    accounts = [
        {
            "bankName": "Invented Bank",
            "iban": f"DE0212030000000020205{number}",
            "bic": "INVEDEFFXXX",
            "type": "PRIMARY",
            "ownerName": "Ada Muster, Ltd",
        },
        {"iban": f"DE0212030000000020206{number}", "ownerName": NAMES[number]},
    ]
    return {
        "entityId": REFERENCES[number],
        "entityType": ("NATURAL_PERSON", "LEGAL_ENTITY", "JOINT_PERSON")[number],
        "labels": ["retail", f"region {number}", "a,b"][: number + 1],
        "refAccounts": accounts[: 1 + number % 2],
    }


def table(number: int) -> dict[str, Any]:
    """Make a customer as a file or a table of one's own may have it, with a column for each word."""
    return {
        "reference": REFERENCES[number],
        "name": NAMES[number],
        "email": f"desk{number}@customer.example",
        "phone": f"+49 221 555 010{number}",
        "mobile": f"+49 151 555 010{number}",
        "fax": f"+49 221 555 020{number}",
        "website": "https://customer.example/?a=1&b=2",
        "comment": "calls back\nafter nine",
        "billing_street": f"Obere Straße {number} a",
        "billing_city": ("Köln", "Osaka", "Cork")[number],
        "billing_postal_code": ("50667", "530-0001", "T12 X70A")[number],
        "billing_country": ("Germany", "JP", "IRL")[number],
        "tax_number": f"12/345/6789{number}",
        "registration_number": f"HRB 100{number}",
        "credit_limit": ("5000", "0", "12000")[number],
        "payment_days": str(30 + number),
        "currency": ("EUR", "USD", "GBP")[number],
    }


NATIVE: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "csv": table,
    "database": table,
    "valomnia": valomnia,
    "keypro": keypro,
    "jtl": jtl,
    "tradevest": tradevest,
}

_VALOMNIA = {
    "reference": "reference",
    "name": "name",
    "email": "email",
    "phone": "phone",
    "mobile": "mobile",
    "fax": "fax",
    "website": "website",
    "comment": "comment",
    "billing.street": "billingAddress",
    "billing.city": "billingCity",
    "billing.postal_code": "billingPostalCode",
    "billing.country": "billingCountry",
    "shipping.street": "address",
    "shipping.city": "city",
    "shipping.postal_code": "postalCode",
    "shipping.country": "country",
    "tax_number": "taxNumber",
    "registration_number": "companyRegistrationNumber",
    "credit_limit": "creditLimit",
    "payment_days": "dueDateConfigNumber",
    "currency": "currency",
}
_KEYPRO = {
    "reference": "customerNumber",
    "name": "customerName",
    "name_addition": "customerNameExtension",
    "email": "customerEmail",
    "phone": "customerPhone",
    "comment": "note",
    "billing.country": "invoiceCountry",
}
_JTL = {
    "reference": "Number",
    "name": "BillingAddress.Company",
    "name_addition": "BillingAddress.Company2",
    "email": "BillingAddress.EmailAddress",
    "phone": "BillingAddress.PhoneNumber",
    "mobile": "BillingAddress.MobilePhoneNumber",
    "fax": "BillingAddress.Fax",
    "website": "Website",
    "billing.street": "BillingAddress.Street",
    "billing.city": "BillingAddress.City",
    "billing.postal_code": "BillingAddress.PostalCode",
    "billing.country": "BillingAddress.CountryIso",
    "shipping.street": "Shipmentaddress.Street",
    "shipping.city": "Shipmentaddress.City",
    "shipping.postal_code": "Shipmentaddress.PostalCode",
    "shipping.country": "Shipmentaddress.CountryIso",
    "tax_number": "TaxIdentificationNumber",
    "registration_number": "CommercialRegisterNumber",
    "credit_limit": "PaymentSettings.CreditLimit",
    "payment_days": "PaymentSettings.PaymentTarget",
}
_TABLE = {
    word: word.replace(".", "_")
    for word in (
        *("reference", "name", "email", "phone", "mobile", "fax", "website", "comment", "billing.street"),
        *("billing.city", "billing.postal_code", "billing.country", "tax_number", "registration_number"),
        *("credit_limit", "payment_days", "currency"),
    )
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "csv": _TABLE,
    "database": _TABLE,
    "valomnia": _VALOMNIA,
    "keypro": _KEYPRO,
    "jtl": _JTL,
    "tradevest": {"reference": "entityId"},
}
_COUNTRIES = {"Germany": "DE", "IRL": "IE"}  # as `table` writes them
_NUMBERS = {"credit_limit", "payment_days"}


@dataclass(frozen=True, slots=True)
class Common:
    """A customer in the words that systems share."""

    values: Values

    @classmethod
    def of(cls, kind: str, customer: Values) -> Common:
        """Read a customer as a system shows or takes it."""
        return cls({word: _same_form(word, at(customer, place)) for word, place in WORDS[kind].items()})


def at(customer: Values, place: str) -> Any:
    """Find a value by its place in a customer."""
    value: Any = customer
    for part in place.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _same_form(word: str, value: Any) -> Any:
    if word in _NUMBERS and value is not None:
        return Decimal(str(value))
    return _COUNTRIES.get(value, value) if word == "billing.country" else value


def shared(source: str, target: str) -> Sequence[str]:
    """List the words that both sides have."""
    return [word for word in WORDS[source] if word in WORDS[target]]
