"""The connector author's page names every error and every part of the protocols, and its smallest source works."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from connectors import protocol
from connectors.protocol import Source
from tests.docs.job import write_modules
from tests.docs.page import CONNECTOR, code_spans, first_column


def test_every_error_of_the_connectors_is_documented() -> None:
    """The connector author's table of errors has every class under ConnectorError."""
    found = {
        value.__name__
        for value in vars(protocol).values()
        if isinstance(value, type) and issubclass(value, protocol.ConnectorError)
    }
    assert set(first_column(CONNECTOR, "class", "means", "what follows")) == found - {"ConnectorError"}


def test_every_part_of_the_protocols_is_documented() -> None:
    """The connector author's page names every field and method of the border types."""
    spans = " ".join(code_spans(CONNECTOR))
    sources = (protocol.Source, protocol.DivisibleSource, protocol.KeyRange)
    for each in (protocol.Page, protocol.Row, protocol.Answer, *sources, protocol.Target):
        parts = {*getattr(each, "__annotations__", {}), *(name for name in vars(each) if not name.startswith("_"))}
        for name in parts:
            assert re.search(rf"\b{name}\b", spans), f"{each.__name__}.{name} is not described"


def test_the_smallest_source_keeps_the_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source that the page shows pages through everything, reads on after a cursor, and finds keys."""
    write_modules(tmp_path, monkeypatch)
    customers: list[dict[str, str | None]] = [{"id": str(number), "name": None} for number in range(5)]
    source: Source = importlib.import_module("list_source").ListSource(customers)
    assert source.open() == ("id", "name")
    pages = list(source.pages(None, 2))
    assert [list(page.keys) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert [page.counted for page in pages] == [2, 2, 1]
    assert [len(page.records) for page in pages] == [2, 2, 1]
    assert pages[0].records["name"].isna().all()
    assert [list(page.keys) for page in source.pages(pages[0].cursor, 2)] == [["2", "3"], ["4"]]
    assert [list(page.keys) for page in source.read_keys(["3", "gone"], 2)] == [["3"]]
    source.close()
