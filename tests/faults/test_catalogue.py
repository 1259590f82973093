"""The catalogue of faults, the tests that bear their numbers, and the page that tells of them hold together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.catalogue import FAULTS, GROUPS, IMPOSSIBLE, numbers
from tests.faults.document import DOCUMENT

TESTS = Path(__file__).parents[1]


def names() -> Iterator[str]:
    """Give the names of all tests."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node.name


def test_every_fault_has_a_test() -> None:
    """Or a reason why there is none; and no test bears a number that nobody knows."""
    borne = {number for name in names() for number in numbers(name)}
    assert borne <= set(FAULTS)
    assert set(FAULTS) - set(IMPOSSIBLE) <= borne
    assert len(FAULTS) == 162


def test_faults_are_numbered_by_group() -> None:
    """Without a gap."""
    for letter in GROUPS:
        own = [number for number in FAULTS if number[0] == letter]
        assert own == [f"{letter}{place:02}" for place in range(1, len(own) + 1)]


def test_the_page_tells_of_every_fault() -> None:
    """As `python -m tests.faults` wrote it last."""
    page = DOCUMENT.read_text(encoding="utf-8")
    assert [number for number in FAULTS if f"| {number} | {FAULTS[number]} |" not in page] == []
    assert "failed" not in page.partition("<!-- table: begin -->")[2]
