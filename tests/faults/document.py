"""The parts of docs/reliability.md that commands write: between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


def replace_part(name: str, text: str) -> None:
    """Put a text in the place of what a part held; raises ValueError where the document has no such part."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, found, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT.name} has no part {name!r}")
    DOCUMENT.write_text(f"{before}{begin}{text}{end}{after}", encoding="utf-8")
