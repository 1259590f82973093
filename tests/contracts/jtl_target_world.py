"""A world in the JTL-Wawi sandbox, served over a real socket, that customers are written to by their ids."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import httpx

from connectors.api.body import member, nest, write
from connectors.jtl import JtlSettings
from connectors.jtl.target import JtlTarget
from connectors.protocol import IdTarget, Row
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.jtl.setting import JtlSettings as Sandbox
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.server import running
from tests.contracts.target_world import FastTime, Held, Refused, SandboxWorld, SpellingWorld

_SECRET = "hunter2-canary"


class Erp:
    """A sandbox, its address, and its time, which may run `ahead` of the tests' by so many seconds."""

    app: SandboxApp
    url: str

    def __init__(self, settings: Sandbox, time: FastTime) -> None:
        self.settings = settings
        self.time = time
        self.ahead = 0.0

    @property
    def clock(self) -> Clock:
        """The sandbox's time."""
        return Clock(
            now=lambda: self.time.now() + timedelta(seconds=self.ahead),
            monotonic=lambda: self.time.clock() + self.ahead,
            sleep=self.time.sleep,
        )


class JtlTargetWorld(SandboxWorld, SpellingWorld):
    """An ERP's customers."""

    clears: ClassVar[str | None] = "Website"
    secrets: ClassVar[tuple[str, ...]] = (_SECRET,)
    login_path: ClassVar[str] = "/oauth2/token"
    kinds: ClassVar[Mapping[str, Collection[str]]] = {
        "customer_group": ["1"],
        "customer_category": ["1"],
        "company": ["1"],
        "payment_method": ["1"],
    }

    def __init__(self, erp: Erp) -> None:
        super().__init__(erp.app, erp.url, erp.time)
        self._erp = erp
        self._settings = JtlSettings.model_validate(
            {
                "kind": "jtl",
                "base_url": erp.url,
                "token_url": f"{erp.url}/oauth2/token",
                "client_id": "sandbox",
                "client_secret": _SECRET,
                "tenant_id": erp.settings.tenant_id,
                "app_id": "Rollcall/1.0.0",
                "app_version": "1.0.0",
            }
        )

    def values(self, number: int) -> dict[str, object]:
        """Fill what is required, and some of each kind."""
        return {
            "CustomerGroupId": 1,
            "LanguageIso": "DE",
            "InternalCompanyId": 1,
            "BillingAddress.Company": f"Grimble & Söhne {number}",
            "BillingAddress.City": "Übersee am See",
            "BillingAddress.CountryIso": "DE",
            "BillingAddress.VatID": f"DE99900{number:04}",
            "Shipmentaddress.City": f"Hinterhaus {number}",
            "Shipmentaddress.CountryIso": "AT",
            "PaymentSettings.CreditLimit": 5000 + number,
            "PaymentSettings.Discount": Decimal("2.50"),
            "CustomerSince": "2023-02-01T13:30:00+00:00",
            "Website": f"https://grimble-{number}.example",
            "AccountsReceivableNumber": 10_000 + number,
            "IsLocked": False,
        }

    def changed(self, number: int) -> dict[str, object]:
        """Change most of them."""
        return {
            "BillingAddress.Company": f"Quatrain {number} Ltd",
            "Shipmentaddress.City": f"Vorderhaus {number}",
            "PaymentSettings.CreditLimit": 7,
            "PaymentSettings.Discount": Decimal("12.5"),
            "Website": f"https://quatrain-{number}.example",
            "IsLocked": True,
        }

    def respelled(self, number: int) -> dict[str, object]:
        """Numbers are shown as short as possible, times in UTC and with seven decimals, and nothing as null."""
        return {
            "BillingAddress.Company": f" Grimble & Söhne {number} ",
            "Shipmentaddress.State": None,
            "PaymentSettings.Discount": Decimal("2.500"),
            "CustomerSince": "2023-02-01T14:30:00.5+01:00",
            "Birthday": "1985-01-01",
            "AccountsReceivableNumber": None,
            "IsLocked": True,
        }

    def shown(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Leave out what the ERP writes in its own way: times, of which it knows more digits."""
        return {name: value for name, value in values.items() if name != "CustomerSince"}

    def refused(self) -> Sequence[Refused]:
        """List what the specification asks of a customer."""
        plain = self.values(1)

        def without(name: str, field: str) -> Refused:
            values = {key: value for key, value in plain.items() if key != field}
            return Refused(name, Row(f"REF-{name}", values), "VALIDATION_ERROR", field)

        def wrong(name: str, field: str, value: object) -> Refused:
            return Refused(name, Row(f"REF-{name}", {**plain, field: value}), "VALIDATION_ERROR", field)

        return [
            without("groupless", "CustomerGroupId"),
            without("speechless", "LanguageIso"),
            without("homeless", "BillingAddress.City"),
            without("stateless", "BillingAddress.CountryIso"),
            without("unowned", "InternalCompanyId"),
            wrong("long", "BillingAddress.City", "x" * 256),
            wrong("country", "BillingAddress.CountryIso", "Germany"),
            wrong("credit", "PaymentSettings.CreditLimit", "much"),
            wrong("locked", "IsLocked", "perhaps"),
            wrong("since", "CustomerSince", "long ago"),
        ]

    def make(self, timeout_seconds: float = 30.0) -> IdTarget:
        """Make a target that signs in anew."""
        return JtlTarget(self._settings.model_copy(update={"timeout": timeout_seconds}))

    def impostor(self) -> IdTarget:
        """Make a target with another secret."""
        return JtlTarget(JtlSettings.model_validate({**self._settings.model_dump(), "client_secret": "wrong"}))

    def held(self) -> Sequence[Held]:
        """Ask the sandbox."""
        names = self.values(0)
        shown = self.app.vendor.customers("")
        return [(str(each["Number"]), {name: member(each, name) for name in names}) for each in shown]

    def expire(self) -> None:
        """Let the sandbox's time, and no other, pass by the life of its tokens."""
        self._erp.ahead += self._erp.settings.token_seconds + 1

    def put(self, number: int) -> str:
        """Create a customer past the target."""
        return self.put_as(number, self.reference(number))

    def put_as(self, number: int, reference: str) -> str:
        """Create a customer past the target, under another reference."""
        known = self._ids(reference)
        customer = write(nest({**self.values(number), "Number": reference}))
        reply = self.app.vendor.add(json.loads(customer))
        assert reply.applied, reply
        return next(key for key in self._ids(reference) if key not in known)

    def twin(self, number: int) -> None:
        """Create another, while the sandbox has no objection to it."""
        strict = self._erp.settings.duplicate_number
        object.__setattr__(self._erp.settings, "duplicate_number", "allow")  # frozen: no caller but this one may
        self.put(number)
        object.__setattr__(self._erp.settings, "duplicate_number", strict)

    def erase(self, number: int) -> None:
        """Delete a customer over the API, with a token of its own."""
        headers = {"x-tenant-id": self._erp.settings.tenant_id}
        with httpx.Client(base_url=self.url, trust_env=False, headers=headers) as client:
            grant = {"grant_type": "client_credentials"}
            answer = client.post("/oauth2/token", data=grant, auth=("sandbox", _SECRET)).raise_for_status()
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            for key in self._ids(self.reference(number)):
                client.delete(f"/customers/{key}").raise_for_status()

    def _ids(self, reference: str) -> list[str]:
        return [str(each["Id"]) for each in self.app.vendor.customers("") if each["Number"] == reference]


@contextmanager
def served() -> Iterator[Erp]:
    """Serve an ERP without customers."""
    time = FastTime()
    settings = Sandbox(client_secret=_SECRET)
    erp = Erp(settings, time)
    erp.app = jtl_app(settings, clock=erp.clock)
    with running(erp.app) as url:
        erp.url = url
        yield erp
