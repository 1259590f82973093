"""Reads the pages of the documentation: their blocks, tables and code spans; judges nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MAPPING = ROOT / "docs" / "mapping-author.md"
OPERATOR = ROOT / "docs" / "operator.md"
SOURCE = ROOT / "docs" / "source.md"
OPERATING = ROOT / "docs" / "operating.md"
TARGET = ROOT / "docs" / "target.md"
CONNECTOR = ROOT / "docs" / "connector-author.md"
ADDING = ROOT / "docs" / "adding-a-system.md"
PAGES = sorted([README, *(ROOT / "docs").glob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
_NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """What the block is called in test reports."""
        return f"{self.page}-{self.text.splitlines()[0][:30]}"


def text_of(page: Path) -> str:
    """Read a page."""
    return page.read_text(encoding="utf-8")


def blocks(language: str, *pages: Path) -> list[Block]:
    """List the fenced blocks of pages (all of them, where none is named) in a language."""
    found = [Block(page.name, *match) for page in pages or PAGES for match in FENCE.findall(text_of(page))]
    return [block for block in found if block.language == language]


def named_blocks(page: Path) -> Mapping[str, str]:
    """Give the blocks of a page that begin with the name of a file in a comment, by that name."""
    texts = [text for _, text in FENCE.findall(text_of(page))]
    return {named[1]: text for text in texts if (named := _NAMED.match(text))}


def section(page: Path, title: str) -> str:
    """Give what stands under a heading of the second level, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text_of(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no section {title}"
    return found[1]


def section_block(page: Path, title: str, language: str) -> str:
    """Give the first block of a section in a language."""
    found = [text for kind, text in FENCE.findall(section(page, title)) if kind == language]
    assert found, f"{page.name}: {title} has no {language} block"
    return str(found[0])


def code_spans(page: Path) -> list[str]:
    """List what stands in backticks outside fenced blocks."""
    return CODE_SPAN.findall(FENCE.sub("", text_of(page)))


def table(page: Path, *header: str) -> list[list[str]]:
    """Read the cells of the one table with this header."""
    lines = text_of(page).splitlines()
    head = f"| {' | '.join(header)} |"
    assert lines.count(head) == 1, f"{page.name} has no table, or several, under {head}"
    rows = []
    for line in lines[lines.index(head) + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == len(header), f"{page.name}: {line}"
        rows.append(cells)
    assert rows
    return rows


def first_column(page: Path, *header: str) -> list[str]:
    """Read the names in backticks in the first column of a table."""
    return [cells[0].strip("`") for cells in table(page, *header)]
