"""Shows what a migration's comparison of source and target found, to people and as a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flows.export import write_lines
from flows.ledger.difference import Difference
from flows.summary import Verification

_MEANINGS = {
    "counted": "read from the source",
    "same": "at the target as the source has them",
    "missing": "not at the target",
    "differing": "with another value there",
    "ambiguous": "there more than once",
    "unanswered": "could not be looked up",
    "changed": "changed in the source since they were sent",
    "unsent": "not sent: invalid, rejected, deferred, filtered or new",
}
_BAD = frozenset({"missing", "differing", "ambiguous", "unanswered"})
_SHOWN = 20


def verification(found: Verification, differing: Sequence[Difference]) -> RenderableType:
    """Show the figures of a comparison, which fields differ how often, and the first customers."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("what")
    table.add_column("count", justify="right")
    table.add_column("meaning", style="dim")
    for name, meaning in _MEANINGS.items():
        count = getattr(found, name)
        table.add_row(Text(name, "red" if name in _BAD and count else "" if count else "dim"), f"{count:,}", meaning)
    parts: list[RenderableType] = [Text("source and target compared", "bold"), table]
    fields = Counter(field for each in differing for field in each.fields)
    if fields:
        named = ", ".join(f"{field} ({count:,})" for field, count in fields.most_common())
        parts.append(Text(f"fields that differ: {named}", "red"))
    parts.extend(
        Text.assemble((each.reference, "bold"), f" {each.kind} {', '.join(each.fields)}") for each in differing[:_SHOWN]
    )
    if len(differing) > _SHOWN:
        parts.append(Text(f"and {len(differing) - _SHOWN:,} more; --csv FILE writes all of them", "dim"))
    return Group(*parts)


def write_differences(path: Path, found: Sequence[Difference]) -> int:
    """Write one line a customer, as `flows.export.write_lines` does."""
    lines = [{**asdict(each), "fields": " ".join(each.fields)} for each in found]
    return write_lines(path, ("reference", "kind", "fields"), lines)
