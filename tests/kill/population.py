"""Invents customers for tests that kill: their file and job, what the target must hold, and what must be rejected."""

from __future__ import annotations

import csv
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.canary import EMAILS

JOB = """\
job: killed
source: {{kind: csv, path: customers.csv, key: id}}
target:
  kind: valomnia
  base_url: {base_url}
  username: sandbox
  password: sandbox
  concurrency: {concurrency}
fields:
  reference: no
  name: {{from: company, convert: strip}}
  email: {{from: email, convert: email}}
  billingCity: city
  billingCountry: {{from: country, convert: country_code}}
  creditLimit: {{from: credit, convert: {{decimal: ","}}}}
  isActive: {{from: status, values: {{A: true, X: false}}}}
  currency: currency
filter: {{status: [A, X]}}
page_size: {page_size}
"""

HEADER = ("id", "no", "company", "email", "city", "country", "credit", "status", "currency")
COUNTRIES = (("Germany", "DE"), ("NO", "NO"), ("United Kingdom", "GB"), ("fr", "FR"))

# Which of each hundred are not simply valid, and the outcome, code and field of their reject.
NAMELESS, MISSPELT, UNPAYABLE, FILTERED, TWIN = 13, 37, 61, 83, 97
REJECTS = {
    NAMELESS: ("invalid", "missing_param", "name"),
    MISSPELT: ("invalid", "invalid_value", "email"),
    UNPAYABLE: ("rejected", "not_found", "currency"),
    TWIN: ("invalid", "not_unique", "reference"),
}


@dataclass(slots=True)
class Population:
    """`size` customers, four of each hundred with a fault and one filtered; `versions` makes some of them change."""

    folder: Path
    size: int
    versions: dict[int, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)  # variables that a run is to have, as ROLLCALL_STATE

    @property
    def job(self) -> Path:
        """The job file."""
        return self.folder / "job.yaml"

    @property
    def ledger(self) -> Path:
        """The ledger, where a run puts it by default."""
        return self.folder / "rollcall.db"

    @property
    def state(self) -> str:
        """The ledger's address."""
        return self.settings.get("ROLLCALL_STATE") or f"sqlite:///{self.ledger}"

    def write(self, base_url: str, *, page_size: int, concurrency: int) -> None:
        """Write the job and the customers."""
        self.folder.mkdir(exist_ok=True)
        text = JOB.format(base_url=base_url, page_size=page_size, concurrency=concurrency)
        self.job.write_text(text, encoding="utf-8")
        self.write_customers()

    def write_customers(self) -> None:
        """Put the customers' file in its place in one step."""
        fresh = self.folder / "customers.new"
        with fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows(self._record(number) for number in range(self.size))
        os.replace(fresh, self.folder / "customers.csv")  # noqa: PTH105 - the usual word for it

    def change_some(self, chance: random.Random, share: float) -> None:
        """Give a random share of the customers new values."""
        for number in chance.sample(range(self.size), int(self.size * share)):
            self.versions[number] = self.versions.get(number, 0) + 1
        self.write_customers()

    def wanted(self) -> dict[str, dict[str, object]]:
        """Say what the target must hold: by reference, the values under the names of its answers."""
        return {
            f"K-{number}": {
                "name": f"Käufer {number}",
                "email": f"k{number}.{EMAILS[0]}",
                "billingCity": self._city(number),
                "billingCountry": COUNTRIES[number % 4][1],
                "creditLimit": number + 0.5,
                "isActive": number % 3 > 0,
                "currency": "EUR",
            }
            for number in self._plain()
        }

    def rejects(self) -> dict[str, tuple[str, str, str]]:
        """Say which source keys must have an open reject: outcome, code and field."""
        return {str(number): REJECTS[number % 100] for number in range(self.size) if number % 100 in REJECTS}

    def _plain(self) -> Iterator[int]:
        return (number for number in range(self.size) if number % 100 not in (*REJECTS, FILTERED))

    def _city(self, number: int) -> str:
        return f"Ort {self.versions.get(number, 0)}"

    def _record(self, number: int) -> tuple[str, ...]:
        kind = number % 100
        return (
            str(number),
            f"K-{number - 1 if kind == TWIN else number}",
            "" if kind == NAMELESS else f" Käufer {number} ",
            "at-example" if kind == MISSPELT else f"k{number}.{EMAILS[0]}",
            self._city(number),
            COUNTRIES[number % 4][0],
            f"{number},50",
            "D" if kind == FILTERED else "A" if number % 3 else "X",
            "XAU" if kind == UNPAYABLE else "EUR",
        )
