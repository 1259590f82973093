"""Worlds of the invented system Acme, whose connector is the one that `docs/adding-a-system.md` shows."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from connectors.protocol import IdTarget, Row, Source
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.settings import Surroundings
from tests.contracts.target_world import FastTime, Held, IdTargetWorld, Refused, SandboxWorld
from tests.contracts.world import Held as Record
from tests.contracts.world import World
from tests.docs.acme import KEY, AcmeVendor, acme_app
from tests.docs.page import ADDING, named_blocks

_NAME = "connectors.acme"
_NOWHERE = Surroundings(Path())


@contextmanager
def acme_connector(folder: Path) -> Iterator[ModuleType]:
    """Load the module of the page, under the name that it is to have."""
    path = folder / "acme.py"
    path.write_text(named_blocks(ADDING)["connectors/acme.py"], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(_NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # pydantic looks annotations up there
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[_NAME]


class Acme:
    """The connector, and a server with its time."""

    app: SandboxApp
    url: str

    def __init__(self, connector: ModuleType) -> None:
        self.connector = connector
        self.time = FastTime()

    @property
    def vendor(self) -> AcmeVendor:
        """What the server knows."""
        assert isinstance(self.app.vendor, AcmeVendor)
        return self.app.vendor


@contextmanager
def served(connector: ModuleType) -> Iterator[Acme]:
    """Serve an Acme without customers."""
    acme = Acme(connector)
    acme.app = acme_app(acme.time.sandbox_clock)
    with running(acme.app) as url:
        acme.url = url
        yield acme


class AcmeWorld(World):
    """Acme's customers as a source shows them."""

    columns: ClassVar[Mapping[str, str]] = {"no": "code", "name": "name", "city": "city"}
    examples: ClassVar[int] = 10
    keyed: ClassVar[bool] = False  # ids are Acme's own
    secrets: ClassVar[tuple[str, ...]] = (KEY,)

    def __init__(self, acme: Acme) -> None:
        super().__init__()
        self._acme = acme
        self._ids: dict[str, int] = {}

    def write(self, no: str, held: Record) -> None:
        """Create the customer, or change it."""
        vendor, values = self._acme.vendor, {"name": held.name, "city": held.city}
        if no in self._ids:
            vendor._update(vendor._find(self._ids[no], 0.0), values, 0.0)
        else:
            self._ids[no] = json.loads(vendor.add({"code": no, **values}).body)["id"]

    def erase(self, no: str) -> None:
        """Delete the customer."""
        self._acme.vendor.remove(self._ids.pop(no))

    def make(self) -> Source:
        """Make a source."""
        wanted = {"kind": "acme", "base_url": self._acme.url, "api_key": KEY}
        connector = self._acme.connector
        source: Source = connector.make_source(connector.SourceSettings.model_validate(wanted), _NOWHERE)
        return source


class AcmeTargetWorld(SandboxWorld, IdTargetWorld):
    """Acme's customers as a target writes them."""

    clears: ClassVar[str | None] = "email"
    secrets: ClassVar[tuple[str, ...]] = (KEY,)
    login_path: ClassVar[str] = "/me"
    kinds: ClassVar[Mapping[str, Collection[str]]] = {"tier": ["1", "Gold"]}

    def __init__(self, acme: Acme) -> None:
        super().__init__(acme.app, acme.url, acme.time)
        self._acme = acme

    def values(self, number: int) -> dict[str, object]:
        """Fill a field of each kind."""
        return {
            "name": f"Grimble & Söhne {number}",
            "email": f"office-{number}@grimble.example",
            "creditLimit": Decimal("1500.50") + number,
            "active": True,
            "tier": 1,
        }

    def changed(self, number: int) -> dict[str, object]:
        """Change most of them."""
        return {"name": f"Quatrain {number} Ltd", "creditLimit": Decimal("0.05"), "active": False, "tier": 2}

    def respelled(self, number: int) -> dict[str, object]:  # noqa: ARG002 - the world's protocol
        """Numbers are shown as short as possible."""
        return {"creditLimit": Decimal("1500.500"), "city": None}

    def shown(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Numbers are compared as numbers."""
        return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}

    def refused(self) -> Sequence[Refused]:
        """List what Acme refuses."""

        def wrong(field: str, value: object, words: str) -> Refused:
            row = Row(f"REF-{field}", {**self.values(1), field: value})
            return Refused(field, row, "invalid", field, words, 422)

        return [
            wrong("name", "x" * 61, "60"),
            wrong("creditLimit", "much", "wrong kind"),
            wrong("tier", 9, "there is no tier 9"),
            wrong("shoeSize", 43, "no field"),
        ]

    def make(self, timeout_seconds: float = 30.0) -> IdTarget:
        """Make a target."""
        return self._target(timeout=timeout_seconds)

    def impostor(self) -> IdTarget:
        """Make a target with another key."""
        return self._target(api_key="wrong")

    def held(self) -> Sequence[Held]:
        """Ask the server; when somebody was last written is its own business."""
        shown = [{name: each[name] for name in each if name != "changed"} for each in self._acme.vendor.customers("")]
        return [(str(each["code"]), each) for each in shown]

    def put(self, number: int) -> str:
        """Create a customer past the target."""
        reply = self._acme.vendor.add({"code": self.reference(number), **self.shown(self.values(number))})
        return str(json.loads(reply.body)["id"])

    def twin(self, number: int) -> None:
        """Lift the rule for a moment."""
        self._acme.vendor.strict = False
        self.put(number)
        self._acme.vendor.strict = True

    def erase(self, number: int) -> None:
        """Delete a customer."""
        for each in self._acme.vendor.customers(""):
            if each["code"] == self.reference(number):
                self._acme.vendor.remove(int(str(each["id"])))

    def _target(self, **changes: Any) -> IdTarget:
        wanted = {"kind": "acme", "base_url": self.url, "api_key": KEY, **changes}
        connector = self._acme.connector
        target: IdTarget = connector.make_target(connector.TargetSettings.model_validate(wanted), _NOWHERE)
        return target
