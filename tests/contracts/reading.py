"""Reads sources for the contract, and shows what came as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from connectors.protocol import Page, Source
from tests.contracts.world import World


@dataclass(frozen=True, slots=True)
class Shown:
    """One record as a page shows it."""

    no: str
    key: str
    name: object
    city: object
    version: str | None


@contextmanager
def opened(world: World) -> Iterator[Source]:
    """Make a source and open it."""
    source = world.make()
    try:
        source.open()
        yield source
    finally:
        source.close()


def read(world: World, after: str | None = None, size: int = 3) -> list[Page]:
    """Read all pages through a source of its own."""
    with opened(world) as source:
        return list(source.pages(after, size))


def found(world: World, keys: Sequence[str], size: int = 3) -> list[Page]:
    """Read records by their keys through a source of its own."""
    with opened(world) as source:
        return list(source.read_keys(keys, size))


def show(world: World, pages: Iterable[Page]) -> list[Shown]:
    """List the records of pages in their order; null is None."""
    return [each for page in pages for each in _shown(world, page)]


def numbers(world: World, pages: Iterable[Page]) -> list[str]:
    """List the numbers of the records of pages in their order."""
    return [each.no for each in show(world, pages)]


def _shown(world: World, page: Page) -> Iterator[Shown]:
    columns = [page.records[world.columns[name]].tolist() for name in ("no", "name", "city")]
    versions: Sequence[str | None] = page.versions if page.versions is not None else [None] * len(page.keys)
    for key, version, no, name, city in zip(page.keys, versions, *columns, strict=True):
        yield Shown(str(no), key, name, None if city is None or city != city else city, version)  # noqa: PLR0124 - NaN
