"""Invents the customers that benchmarks move, and says how a job maps them."""

from __future__ import annotations

from urllib.parse import urlencode

HEADER = ("no", "company", "email", "phone", "street", "city", "zip", "country", "credit", "status", "note")
FIELDS = """\
fields:
  reference: no
  name: {from: company, convert: strip}
  email: {from: email, convert: email}
  phone: phone
  billingAddress: street
  billingCity: city
  billingPostalCode: zip
  billingCountry: {from: country, convert: country_code}
  creditLimit: {from: credit, convert: {decimal: ","}}
  isActive: {from: status, values: {A: true, X: false}}
  comment: note
"""


def customer(number: int) -> tuple[str, ...]:
    """Invent a customer."""
    return (
        f"C-{number:07d}",
        f"Bäckerei Sommer {number}",
        f"kontakt{number}@sommer.example",
        f"+49 30 {number:07d}",
        f"Obere Str. {number % 200}",
        "Berlin",
        f"{10000 + number % 80000}",
        ("Germany", "FR", "UK", "Sweden")[number % 4],
        f"{number % 10_000},50",
        "AX"[number % 2],
        "",
    )


def form(number: int) -> bytes:
    """Write the body that a job with the fields above makes of a customer."""
    row = customer(number)
    country = ("DE", "FR", "GB", "SE")[number % 4]
    active = "true" if row[9] == "A" else "false"
    pairs = {
        "name": row[1], "email": row[2], "phone": row[3], "billingAddress": row[4], "billingCity": row[5],
        "billingPostalCode": row[6], "billingCountry": country, "creditLimit": row[8].replace(",", "."),
        "isActive": active,
    }  # fmt: skip
    return urlencode(pairs).encode()
