"""A world in the Valomnia sandbox, served over a real socket, in which last updates can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from connectors.protocol import Source
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.form import Form
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.seed import Seeds
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import ValomniaVendor
from connectors.valomnia.settings import ValomniaSourceSettings
from connectors.valomnia.source import ValomniaSource
from tests.contracts.world import BEGIN, Held, World

_PASSWORD = "hunter2"


class ValomniaWorld(World):
    """An organisation's customers; the sandbox's own clock follows `now`, to the second as Valomnia does."""

    columns: ClassVar[Mapping[str, str]] = {"no": "reference", "name": "name", "city": "comment"}
    tied: ClassVar[int] = 250  # more than the 100 of one answer
    examples: ClassVar[int] = 10
    tick: ClassVar[timedelta] = timedelta(seconds=1)
    keyed: ClassVar[bool] = False  # ids are the organisation's own
    secrets: ClassVar[tuple[str, ...]] = (_PASSWORD,)

    def __init__(self, url: str, vendor: ValomniaVendor) -> None:
        super().__init__()
        self._vendor = vendor
        self._settings = ValomniaSourceSettings.model_validate(
            {"kind": "valomnia", "base_url": url, "username": "sandbox", "password": _PASSWORD}
        )

    def shown(self, text: str | None) -> object:
        """Blank text is no text there."""
        return (text or "").strip() or None

    def write(self, no: str, held: Held) -> None:
        """Create or update the customer, and date it."""
        book, desk = self._vendor._book, self._vendor._desk
        form = Form({"name": held.name, "comment": held.city or ""})
        current = book.by_reference(no)
        if current is None:
            written = desk.create(form, held.at, no)
        else:
            written = desk.update(current, form, held.at, by_reference=True)
        book.put(replace(written, updated=held.at.strftime("%Y-%m-%dT%H:%M:%SZ")), 0.0)

    def erase(self, no: str) -> None:
        """Delete the customer."""
        customer = self._vendor._book.by_reference(no)
        assert customer is not None
        self._vendor._book.remove(customer)

    def clear(self) -> None:
        """Delete everything at once."""
        self._vendor._book.clear()
        self.held.clear()

    def make(self) -> Source:
        """Make a source that signs in anew."""
        return ValomniaSource(self._settings)


def _later() -> datetime:
    """Tell a time after every last update."""
    return BEGIN + timedelta(days=1)


@contextmanager
def served() -> Iterator[tuple[str, ValomniaVendor]]:
    """Serve an organisation; gives its address and what lies behind it."""
    clock = Clock(now=_later)
    vendor = ValomniaVendor(ValomniaSettings(password=_PASSWORD), Seeds(), clock)
    app = SandboxApp(vendor, clock=clock)
    with running(app) as url:
        yield url, vendor
