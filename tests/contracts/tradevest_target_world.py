"""A world in the tradevest sandbox, served over a real socket, whose customers are written to by ids of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar
from uuid import uuid4

from connectors.protocol import IdTarget, Row
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.tradevest.book import Customer
from connectors.sandbox.tradevest.setting import TradevestSettings as Sandbox
from connectors.sandbox.tradevest.vendor import TradevestVendor, tradevest_app
from connectors.tradevest import TradevestSettings
from connectors.tradevest.target import TradevestTarget
from tests.contracts.target_world import FastTime, Held, LaterWorld, Refused, SandboxWorld

_SECRET = "hunter2-canary"
_REQUESTOR = "0b7b6a2e-45a3-4c7e-9a55-0d3f0c8d9a11"
_MEMBERS = ("bankName", "iban", "bic", "type", "ownerName")


class TradevestTargetWorld(SandboxWorld, LaterWorld):
    """A platform's customers."""

    clears: ClassVar[str | None] = "labels"
    secrets: ClassVar[tuple[str, ...]] = (_SECRET, _REQUESTOR)
    login_path: ClassVar[str] = "/oauth2/token"
    success: ClassVar[int] = 200
    answers_name: ClassVar[bool] = False  # an answer to a create shows the new id alone

    def __init__(self, app: SandboxApp, url: str, time: FastTime) -> None:
        super().__init__(app, url, time)
        self._sandbox = Sandbox(client_secret=_SECRET)
        self._install(self._sandbox)
        self._settings = TradevestSettings.model_validate(
            {
                "kind": "tradevest",
                "base_url": url,
                "token_url": f"{url}/oauth2/token",
                "client_id": "sandbox",
                "client_secret": _SECRET,
                "requestor_id": _REQUESTOR,
            }
        )

    def reference(self, number: int) -> str:
        """Name an entity; the suite expects references in the order of their numbers."""
        return f"{number:08x}-5a1e-4c0d-8f3b-9d2e6a7b8c90"

    def values(self, number: int) -> dict[str, object]:
        """Fill every field; a bank is told of one account only."""
        return {
            "entityType": "LEGAL_ENTITY" if number % 2 else "NATURAL_PERSON",
            "labels": [f"Grimble & Söhne {number}", "quarterly", "Übersee 李"],
            "refAccounts.iban": [f"DE0212030000{number:010}", f"AT02120300{number:010}"],
            "refAccounts.ownerName": [f"Fothergill {number}", "Grimble"],
            "refAccounts.bankName": ["Quatrain Bank", None],
            "refAccounts.type": ["PRIMARY", "OTHER"],
        }

    def changed(self, number: int) -> dict[str, object]:
        """Change what can be changed."""
        return {"labels": [f"Quatrain {number}", "yearly"]}

    def otherwise(self, number: int) -> dict[str, object]:
        """Change what an update does not take as well."""
        return {
            **self.changed(number),
            "entityType": "JOINT_PERSON",
            "refAccounts.ownerName": ["Fothergill", "Quatrain"],
            "refAccounts.bankName": ["Bank of Quatrain", None],
            "refAccounts.iban": [f"DE0212030000{number:010}", f"CH02120300{number:010}"],
        }

    def respelled(self, number: int) -> dict[str, object]:
        """Accounts without what is null, and the entity, whose digits are shown in lower case."""
        return {"entityId": self.reference(number).upper(), "refAccounts.bic": None, "labels": ["b", "a"]}

    def refused(self) -> Sequence[Refused]:
        """List what the pages about customers rule out; the codes are the sandbox's own, as no page has any."""
        plain = self.values(1)

        def refused(number: int, name: str, code: str, field: str, words: str, **values: object) -> Refused:
            row = Row(self.reference(number), {**plain, **values})
            return Refused(name, row, code, field, words, None if code == "invalid_value" else 400)

        accounts = {"refAccounts.iban": ["DE02120300000000202051"], "refAccounts.ownerName": ["A"]}
        known = self.put(900)
        return [
            refused(901, "type", "ENUM", "entityType", "must be one of", entityType="ROBOT"),
            refused(902, "no type", "NOT_NULL", "entityType", "must not be null", entityType=None),
            refused(903, "many labels", "SIZE", "labels", "", labels=[f"label {n}" for n in range(17)]),
            refused(904, "empty label", "SIZE", "labels", "", labels=["fine", ""]),
            refused(905, "iban", "PATTERN", "refAccounts.iban", "", **{"refAccounts.iban": ["DE02", "AT02"]}),
            refused(906, "owner", "NOT_NULL", "refAccounts.ownerName", "", **{"refAccounts.ownerName": [None, "A"]}),
            refused(907, "unequal", "invalid_value", "refAccounts.bankName", "as many entries", **accounts),
            refused(908, "stranger", "UNKNOWN", "shoeSize", "not a known property", shoeSize="43"),
            Refused("cleared", Row(self.reference(900), {"labels": [""]}, known), "SIZE", "labels"),
        ]

    def make(self, timeout_seconds: float = 30.0) -> IdTarget:
        """Make a target that signs in anew."""
        return TradevestTarget(self._settings.model_copy(update={"timeout": timeout_seconds}))

    def impostor(self) -> IdTarget:
        """Make a target with another secret."""
        return TradevestTarget(
            TradevestSettings.model_validate({**self._settings.model_dump(), "client_secret": "wrong"})
        )

    def held(self) -> Sequence[Held]:
        """Ask the sandbox."""
        return [(str(each["entityId"]), _plain(each)) for each in self.app.vendor.customers("")]

    def expire(self) -> None:
        """End all tokens."""
        self._vendor._tokens._tokens.clear()

    def put(self, number: int) -> str:
        """Create without a request."""
        values = self.values(number)
        accounts: list[dict[str, object]] = [{}, {}]
        for name in _MEMBERS:
            column = values.get(f"refAccounts.{name}", [None, None])
            assert isinstance(column, list)
            for account, value in zip(accounts, column, strict=True):
                if value is not None:
                    account[name] = value
        plain = {name: values[name] for name in ("entityType", "labels")}
        assert self._vendor.add({"entityId": self.reference(number), "refAccounts": accounts, **plain}).applied
        return self._bearer(number).id

    def twin(self, number: int) -> None:
        """Put another customer of the same entity into the book, past every rule."""
        one, book = self._bearer(number), self._vendor._book
        book.append(replace(one, number=book.next_number(), id=str(uuid4()), history=list(one.history)))

    def erase(self, number: int) -> None:
        """Let the customer be gone since long ago."""
        self._bearer(number).gone_at = 0.0

    def delay(self, seconds: float, *, against: Collection[int] = ()) -> None:
        """Validate later, with another sandbox behind the same address."""
        invalid = frozenset(map(self.reference, against))
        self._install(replace(self._sandbox, validation_seconds=seconds, invalid_entities=invalid))

    @property
    def _vendor(self) -> TradevestVendor:
        assert isinstance(self.app.vendor, TradevestVendor)
        return self.app.vendor

    def _install(self, settings: Sandbox) -> None:
        self.app.vendor = TradevestVendor(settings, self.time.sandbox_clock)

    def _bearer(self, number: int) -> Customer:
        bearers = [each for each in self._vendor._book.after(-1, self.reference(number)) if each.gone_at is None]
        return bearers[0]


def _plain(shown: Mapping[str, object]) -> Mapping[str, object]:
    """Show what rows have, as they have it, and the id."""
    accounts = shown["refAccounts"]
    assert isinstance(accounts, list)
    lists = {f"refAccounts.{name}": [each[name] for each in accounts] for name in _MEMBERS}
    return {name: shown[name] for name in ("customerId", "entityType", "labels")} | lists


@contextmanager
def served() -> Iterator[tuple[SandboxApp, str, FastTime]]:
    """Serve a platform; gives what a world needs."""
    time = FastTime()
    app = tradevest_app(clock=time.sandbox_clock)
    with running(app) as url:
        yield app, url, time
