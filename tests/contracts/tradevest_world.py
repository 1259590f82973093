"""A world in the tradevest sandbox, served over a real socket, written to over its API.

A tradevest customer has no free text but its labels: they carry name and city here, each behind a word, so that an
empty city is no empty label. The number becomes the entity's UUID. What the source gives is shown with three more
columns that undo this; everything else is the source's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

import httpx

from connectors.protocol import Page, Source
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.tradevest.setting import TradevestSettings as Sandbox
from connectors.sandbox.tradevest.vendor import tradevest_app
from connectors.tradevest.settings import TradevestSourceSettings
from connectors.tradevest.source import TradevestSource
from tests.contracts.world import Held, World

_SECRET = "hunter2"
_REQUESTOR = "0b7b6a2e-45a3-4c7e-9a55-0d3f0c8d9a11"
_CUSTOMERS = "/roles/customers"
_UNFOLDED = ("number", "name", "city")


def entity(no: str) -> str:
    """Give the entity of a number."""
    return str(uuid5(NAMESPACE_URL, f"https://customers.example/{no}"))


@dataclass
class Unfolded:
    """A source whose pages have number, name and city as columns of their own, behind those that they come from."""

    source: Source
    numbers: Mapping[str, str]

    @property
    def address(self) -> str:
        """The source's."""
        return self.source.address

    @property
    def incremental(self) -> bool:
        """As the source says."""
        return self.source.incremental

    @property
    def overlap(self) -> timedelta:
        """As the source says."""
        return self.source.overlap

    def open(self) -> tuple[str, ...]:
        """Open the source."""
        return (*self.source.open(), *_UNFOLDED)

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read the source."""
        return (self._unfold(page) for page in self.source.pages(after, size))

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Read the source."""
        return (self._unfold(page) for page in self.source.read_keys(keys, size))

    def close(self) -> None:
        """Close the source."""
        self.source.close()

    def _unfold(self, page: Page) -> Page:
        labels = [dict(label.split(":", 1) for label in shown) for shown in page.records["labels"]]
        more = {
            "number": [self.numbers[shown] for shown in page.records["entityId"]],
            "name": [each["name"] for each in labels],
            "city": [each.get("city") for each in labels],
        }
        return replace(page, records=page.records.assign(**more))


class TradevestWorld(World):
    """A platform's customers. It deletes none: to erase one, the sandbox forgets all, and gets the others again."""

    columns: ClassVar[Mapping[str, str]] = {"no": "number", "name": "name", "city": "city"}
    tied: ClassVar[int] = 250  # more than the 100 of one answer
    examples: ClassVar[int] = 10
    keyed: ClassVar[bool] = False  # ids are the platform's own
    secrets: ClassVar[tuple[str, ...]] = (_SECRET,)

    def __init__(self, app: SandboxApp, client: httpx.Client) -> None:
        super().__init__()
        self._app = app
        self._client = client
        self._ids: dict[str, str] = {}
        url = str(client.base_url)
        self._settings = TradevestSourceSettings.model_validate(
            {
                "kind": "tradevest",
                "base_url": url,
                "token_url": f"{url.rstrip('/')}/oauth2/token",
                "client_id": "sandbox",
                "client_secret": _SECRET,
            }
        )

    def write(self, no: str, held: Held) -> None:
        """Create the customer, or change its labels."""
        labels = [f"name:{held.name}", *([] if held.city is None else [f"city:{held.city}"])]
        if no in self._ids:
            self._request("PATCH", f"{_CUSTOMERS}/{self._ids[no]}", {"labels": labels})
            return
        body = {"entityId": entity(no), "entityType": "NATURAL_PERSON", "labels": labels}
        self._ids[no] = self._request("POST", _CUSTOMERS, body).json()["customerId"]

    def erase(self, no: str) -> None:  # noqa: ARG002 - it is not among the held ones any more
        """Start anew with the others; they get other ids."""
        self._forget()
        for other, held in self.held.items():
            self.write(other, held)

    def clear(self) -> None:
        """Delete everything at once."""
        self._forget()
        self.held.clear()

    def make(self) -> Source:
        """Make a source that signs in anew."""
        return Unfolded(TradevestSource(self._settings), {entity(no): no for no in self.held})

    def _forget(self) -> None:
        self._app.reset()
        self._ids.clear()
        form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": _SECRET}
        token = self._client.post("/oauth2/token", data=form).raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def _request(self, method: str, path: str, body: object) -> httpx.Response:
        answer = self._client.request(method, path, json=body, headers={"Requestor-ID": _REQUESTOR})
        return answer.raise_for_status()


@contextmanager
def served() -> Iterator[tuple[SandboxApp, httpx.Client]]:
    """Serve a platform; gives what a world needs."""
    app = tradevest_app(Sandbox(client_secret=_SECRET))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield app, client
