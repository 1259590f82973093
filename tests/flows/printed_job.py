"""Jobs as the pages print them, with the sandboxes that they name, and what those show of the pages' customers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from connectors.api.body import member
from connectors.sandbox.app import SandboxApp
from tests.docs.page import TARGET, section_block
from tests.flows.command import Said, Shell

TITLES = {"valomnia": "Valomnia", "keypro": "Keypro", "jtl": "JTL-Wawi", "tradevest": "tradevest"}
LOGINS = ("/j_spring_security_check", "/login/ajaxSuccess", "/oauth2/token")

Customer = Mapping[str, Any]
Expectation = Callable[[Mapping[str, str]], Any]


def same(column: str) -> Expectation:
    """Expect what a column says; an empty cell is nothing."""
    return lambda row: row[column] or None


def one_of(column: str, table: Mapping[str, Any]) -> Expectation:
    """Expect what a table makes of a column."""
    return lambda row: table[row[column]]


COUNTRIES = {"Switzerland": "CH", "DE": "DE", "Austria": "AT", "Germany": "DE", "France": "FR"}

# Where each sandbox shows what a line of the page's customers says.
SHOWN: Mapping[str, Mapping[str, Expectation]] = {
    "valomnia": {
        "reference": same("no"),
        "name": same("company"),
        "email": same("mail"),
        "billingCountry": one_of("country", COUNTRIES),
        "customerCategory.reference": one_of(
            "category", {"retail": "retail", "Jewelry and accessories": "jewelry", "": "root"}
        ),
        "isSubCustomer": one_of("branch", {"yes": True, "no": False}),
        "parentCustomer.reference": same("head"),
    },
    "keypro": {
        "customerNumber": same("no"),
        "customerName": same("company"),
        "customerEmail": same("mail"),
        "customerPhone": same("tel"),
        "Type": one_of("kind", {"company": 2, "Company": 2, "": None}),
        "Language": one_of("language", {"Finnish": 21, "sv": 22, "21": 21}),
    },
    "jtl": {
        "Number": same("no"),
        "CustomerGroupId": one_of("group", {"Retailers": 2, "End customers": 1, "2": 2}),
        "InternalCompanyId": lambda _: 1,
        "LanguageIso": same("language"),
        "BillingAddress.Company": same("company"),
        "BillingAddress.Street": same("street"),
        "BillingAddress.City": same("city"),
        "BillingAddress.CountryIso": one_of("country", COUNTRIES),
        "PaymentSettings.PaymentMethodId": one_of("payment", {"Invoice": 1, "3": 3, "": None}),
        "PaymentSettings.CreditLimit": one_of("credit", {"5000": 5000, "": None, "750": 750}),
    },
    "tradevest": {
        "entityId": same("entity"),
        "entityType": one_of("kind", {"person": "NATURAL_PERSON", "company": "LEGAL_ENTITY"}),
        "labels": lambda row: sorted(row["labels"].split(";")) if row["labels"] else [],
        "accounts": lambda row: [(row["iban"], row["owner"])] if row["iban"] else [],
    },
}
# A change of one customer of the page, and the reference of that customer.
CHANGES: Mapping[str, tuple[str, str, str]] = {
    "valomnia": ("info@beta.example", "office@beta.example", "C-3"),
    "keypro": ("+358 9 5550101", "+358 9 5550199", "C-2"),
    "jtl": ("Gasse 1", "Gasse 11", "C-2"),
    "tradevest": ("vip;newsletter", "newsletter;gold", "0b7d2c1e-5a64-4f0b-8f0a-3d6c6b0e1a01"),
}
# A customer of each system as it takes it, and where Valomnia or Keypro show what the pages' jobs make of it.
HELD: Mapping[str, tuple[Mapping[str, Any], str, str]] = {
    "valomnia": ({"reference": "{no}", "name": "{name}"}, "customerNumber", "customerName"),
    "keypro": ({"customerNumber": "{no}", "customerName": "{name}"}, "reference", "name"),
    "jtl": (
        {
            "Number": "{no}",
            "CustomerGroupId": 1,
            "InternalCompanyId": 1,
            "LanguageIso": "DE",
            "BillingAddress": {"Company": "{name}", "City": "Bern", "CountryIso": "CH"},
        },
        "reference",
        "name",
    ),
    "tradevest": ({"entityId": "{no}", "entityType": "LEGAL_ENTITY"}, "customerNumber", ""),
}


@dataclass
class Desk:
    """A folder with a job, the sandboxes that it names, and the command line."""

    folder: Path
    rollcall: Shell
    apps: dict[str, SandboxApp] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def job(self) -> Path:
        """The job file."""
        return self.folder / "job.yaml"

    @property
    def customers_file(self) -> Path:
        """The file that a job's source names."""
        return self.folder / "customers.csv"

    def take(self, page: Path, kind: str) -> None:
        """Write a job down as a page prints it, and its customers, where there are some."""
        self.job.write_text(section_block(page, TITLES[kind], "yaml"), encoding="utf-8")
        if page == TARGET:
            self.customers_file.write_text(section_block(page, TITLES[kind], "csv"), encoding="utf-8")

    def change(self, path: Path, old: str, new: str) -> None:
        """Replace a text that is in a file once."""
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, (text.count(old), old)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *options: str) -> Said:
        """Run the job; what the sandboxes noted before is forgotten."""
        for app in self.apps.values():
            app.journal.clear()
        return self.rollcall("run", self.job, "--json", *options)

    def held(self, kind: str) -> list[Customer]:
        """Show what a sandbox holds, as everybody may see it."""
        answer = httpx.get(f"{self.urls[kind]}/sandbox/customers", trust_env=False).raise_for_status()
        customers: list[Customer] = answer.json()
        return customers

    def writes(self, kind: str) -> list[str | None]:
        """List whom a sandbox was told to write."""
        entries = self.apps[kind].journal.entries
        return [each.reference for each in entries if each.method != "GET" and each.path not in LOGINS]


def rows_of(desk: Desk) -> list[dict[str, str]]:
    """Read the customers of the job's file."""
    return list(csv.DictReader(io.StringIO(desk.customers_file.read_text(encoding="utf-8"))))


def shown(customer: Customer, name: str) -> Any:
    """Read a value of a customer as a sandbox shows it; nothing where there is none."""
    match name:
        case "labels":
            return sorted(customer.get("labels") or [])
        case "accounts":
            return [(each["iban"], each["ownerName"]) for each in customer.get("refAccounts") or []]
    value = member(customer, name)
    return None if value is ... else value


def check_arrived(desk: Desk, kind: str) -> None:
    """See that a sandbox holds just the customers of the file, with what it says of them."""
    expected = [{name: expect(row) for name, expect in SHOWN[kind].items()} for row in rows_of(desk)]
    found = [{name: shown(customer, name) for name in SHOWN[kind]} for customer in desk.held(kind)]
    assert sorted(found, key=json.dumps) == sorted(expected, key=json.dumps)


def filled(value: Any, number: str, name: str) -> Any:
    """Put number and name into a customer."""
    if isinstance(value, dict):
        return {key: filled(each, number, name) for key, each in value.items()}
    return value.format(no=number, name=name) if isinstance(value, str) else value
