"""A world in the Valomnia sandbox, served over a real socket, that customers are written to by reference."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import ClassVar

from connectors.protocol import Row, Target
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.seed import Entity, Seeds
from connectors.sandbox.valomnia.setting import ValomniaSettings as Sandbox
from connectors.sandbox.valomnia.vendor import ValomniaVendor, valomnia_app
from connectors.valomnia import ValomniaSettings
from connectors.valomnia.target import ValomniaTarget
from tests.contracts.target_world import FastTime, Held, Refused, SandboxWorld

_PASSWORD = "hunter2-canary"


class ValomniaTargetWorld(SandboxWorld):
    """An organisation's customers."""

    clears: ClassVar[str | None] = "comment"
    secrets: ClassVar[tuple[str, ...]] = (_PASSWORD,)
    login_path: ClassVar[str] = "/j_spring_security_check"
    kinds: ClassVar[Mapping[str, Collection[str]]] = {
        "customer_category": ["root", "C-249"],  # more than the 100 of one answer
        "payment_type": ["cash", "cheque"],
        "region": ["Nevada", "New York"],
    }

    def __init__(self, app: SandboxApp, url: str, time: FastTime) -> None:
        super().__init__(app, url, time)
        self._settings = ValomniaSettings.model_validate(
            {"kind": "valomnia", "base_url": url, "username": "sandbox", "password": _PASSWORD}
        )

    def values(self, number: int) -> dict[str, object]:
        """Fill some fields of each kind."""
        return {
            "name": f"Grimble & Söhne {number}",
            "comment": f"Ring twice {number}\nthen wait + = %",
            "billingCountry": "CH",
            "billingCity": "Übersee",
            "creditLimit": 5000 + number,
            "isActive": True,
            "paymentTypes": [7, 8],
        }

    def changed(self, number: int) -> dict[str, object]:
        """Change most of them."""
        return {
            "name": f"Quatrain {number} Ltd",
            "comment": f"Moved {number}",
            "creditLimit": 12.5,
            "isActive": False,
            "paymentTypes": [8],
        }

    def respelled(self, number: int) -> dict[str, object]:
        """Texts are trimmed, numbers shown as short as possible, and entries shown whole, one type by a word."""
        return {
            "name": f" Grimble & Söhne {number} \n",
            "creditLimit": Decimal("5000.00"),
            "billingLat": "50.9300",
            "isActive": "true",
            "onHold": False,
            "city": "",
            "comment": None,
            "billingCountry": " CH ",
            "categoryId": "C-7",
            "userId": "emp-002",
            "customerSegmentationId": "seg_a",
            "dueDateConfigType": "1",
            "dueDateConfigNumber": "030",
            "paymentTypes": ["8", "7"],
            "regionId": 1,
        }

    def refused(self) -> Sequence[Refused]:
        """List what the upsert's page refuses, in its words (vendor page 11.5)."""
        self._put("REF-P")
        plain = self.values(1)

        def row(name: str, **values: object) -> Row:
            return Row(f"REF-{name}", {**plain, **values})

        def missing(name: str, row: Row, field: str) -> Refused:
            return Refused(name, row, "missing_param", field, f"{field} parameter is missing")

        def unknown(name: str, field: str, value: object, words: str) -> Refused:
            return Refused(name, row(name, **{field: value}), "not_found", field, words, 404)

        def mistyped(name: str, field: str, value: object) -> Refused:
            return Refused(name, row(name, **{field: value}), "invalid_param_type", field, field)

        itself = Row("REF-P", {"parentCustomer": "REF-P"}, self._id("REF-P"))

        return [
            missing("nameless", Row("REF-nameless", {"comment": "x"}), "name"),
            missing("orphan", row("orphan", isSubCustomer=True), "parentCustomer"),
            missing("undue", row("undue", dueDateConfigType="1"), "dueDateConfigNumber"),
            mistyped("boolean", "isActive", "perhaps"),
            mistyped("number", "creditLimit", "much"),
            unknown("category", "categoryId", "nowhere", "customer category"),
            unknown("segment", "customerSegmentationId", "nowhere", "segmentation"),
            unknown("user", "userId", "nobody", "The user with the id"),
            unknown("payment", "paymentTypes", [99], "payment type"),
            unknown("parent", "parentCustomer", "nobody", "parent customer"),
            unknown("money", "currency", "CHF", "is not configured"),
            unknown("coin", "currency", "???", "doesn't exist"),
            unknown("region", "regionId", 99, "region"),
            Refused("itself", itself, "not_found", "parentCustomer", "subcustomer of itself", 404),
            Refused("country", row("country", country="Atlantis"), "save_failed", "", "Failed to save instance."),
            Refused("stranger", row("stranger", shoeSize=43), "invalid_param", "", "shoeSize"),
        ]

    def make(self, timeout_seconds: float = 30.0) -> Target:
        """Make a target that signs in anew."""
        return ValomniaTarget(self._settings.model_copy(update={"timeout": timeout_seconds}))

    def impostor(self) -> Target:
        """Make a target with another password."""
        return ValomniaTarget(ValomniaSettings.model_validate({**self._settings.model_dump(), "password": "wrong"}))

    def held(self) -> Sequence[Held]:
        """Ask the sandbox."""
        return [(str(each["reference"]), _plain(each)) for each in self.app.vendor.customers("")]

    def is_login(self, path: str) -> bool:
        """Signing in takes two requests."""
        return path in {self.login_path, "/login/ajaxSuccess"}

    def expire(self) -> None:
        """End all sessions."""
        self._vendor._sessions.clear()

    @property
    def _vendor(self) -> ValomniaVendor:
        assert isinstance(self.app.vendor, ValomniaVendor)
        return self.app.vendor

    def _put(self, reference: str) -> None:
        if self._vendor._book.by_reference(reference) is None:
            assert self._vendor.add({"reference": reference, "name": "Parent"}).applied

    def _id(self, reference: str) -> str:
        customer = self._vendor._book.by_reference(reference)
        assert customer is not None
        return str(customer.id)


def _plain(shown: Mapping[str, object]) -> Mapping[str, object]:
    """Show payment types as rows have them."""
    listed = shown["paymentTypes"]
    assert isinstance(listed, list)
    return {**shown, "paymentTypes": [each["id"] for each in listed]}


@contextmanager
def served() -> Iterator[tuple[SandboxApp, str, FastTime]]:
    """Serve an organisation; gives what a world needs."""
    time = FastTime()
    categories = (Entity(1, "root", "All customers"), *(Entity(n, f"C-{n}", f"Category {n}") for n in range(2, 250)))
    app = valomnia_app(Sandbox(password=_PASSWORD), seeds=Seeds(categories=categories), clock=time.sandbox_clock)
    with running(app) as url:
        yield app, url, time
