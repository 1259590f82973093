"""A world in the Keypro sandbox, served over a real socket, whose clock tells what the world says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from connectors.keypro import KeyproSourceSettings
from connectors.keypro.source import KeyproSource
from connectors.protocol import Source
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.server import running
from tests.contracts.world import BEGIN, Held, World

_TOKEN = "c0ffee" * 6 + "abcd"


@dataclass
class Environment:
    """A sandbox that is served, a client of its own, and what its clock shows."""

    app: SandboxApp
    url: str
    client: httpx.Client
    now: datetime = BEGIN


class KeyproWorld(World):
    """An environment's customers, written over the API at the moment that they are to be dated."""

    columns: ClassVar[Mapping[str, str]] = {"no": "customerNumber", "name": "customerName", "city": "note"}
    properties: ClassVar[Mapping[str, str]] = {}
    tied: ClassVar[int] = 250  # more than the 100 that are asked for at once
    examples: ClassVar[int] = 10
    tick: ClassVar[timedelta] = timedelta(seconds=1)  # filters know whole seconds for certain
    keyed: ClassVar[bool] = False  # ids are the environment's own
    secrets: ClassVar[tuple[str, ...]] = (_TOKEN,)

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment
        self._ids: dict[str, int] = {}
        self._settings = KeyproSourceSettings.model_validate(
            {"kind": "keypro", "base_url": environment.url, "token": _TOKEN}
        )

    def shown(self, text: str | None) -> object:
        """Blanks around a text are not kept."""
        return None if text is None else text.strip()

    def write(self, no: str, held: Held) -> None:
        """Create or update the customer while the clock shows its last update."""
        self._environment.now = held.at
        fields = {"customerNumber": no, "customerName": held.name, "note": held.city}
        body = {self.properties.get(name, name): value for name, value in fields.items()}
        client = self._environment.client
        if no in self._ids:
            answer = client.patch(f"/customers/{self._ids[no]}/", json=body)
        else:
            answer = client.post("/customers/", json=body)
            self._ids[no] = answer.json()[self.properties.get("id", "id")]
        answer.raise_for_status()

    def erase(self, no: str) -> None:
        """Delete the customer."""
        self._environment.client.delete(f"/customers/{self._ids.pop(no)}/").raise_for_status()

    def clear(self) -> None:
        """Delete everything at once."""
        self._environment.app.reset()
        self._ids.clear()
        self.held.clear()

    def make(self) -> Source:
        """Make a source; the server's clock shows the present."""
        self._environment.now = self.now
        return KeyproSource(self._settings, self.properties)


class RenamedWorld(KeyproWorld):
    """An environment whose properties are all called otherwise."""

    properties: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        "dateModified": "modified_ts",
        "customerNumber": "number",
        "customerName": "title",
        "note": "customerNumber",  # the name of another field
    }


@contextmanager
def served(settings: KeyproSettings) -> Iterator[Environment]:
    """Serve an environment."""

    def now() -> datetime:
        return environment.now

    app = keypro_app(settings, clock=Clock(now=now))
    headers = {"Authorization": f"Token {_TOKEN}"}
    with running(app) as url, httpx.Client(base_url=url, trust_env=False, headers=headers) as client:
        environment = Environment(app, url, client)
        yield environment


def plain(**more: object) -> KeyproSettings:
    """Give the sandbox's settings, with the world's token."""
    return KeyproSettings(token=_TOKEN, **more)  # type: ignore[arg-type]  # the dataclass's own fields
