"""Brings about every fault of the catalogue on both kinds of ledger, and prints what became of each.

`python -m tests.faults` runs the tests that bear a fault's number in their name, wherever they stand, once with
ledgers in SQLite and once in PostgreSQL, and then writes the table of docs/reliability.md. `python -m tests.faults e01
L05 --ledger sqlite` runs some of them, and writes nothing. Exit code 1 where a fault did harm, or is not covered.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console

from tests.faults.catalogue import FAULTS, GROUPS, IMPOSSIBLE, numbers
from tests.faults.document import replace_part
from tests.state import KIND_ASKED, KINDS

TESTS = Path(__file__).parents[1]


@dataclass
class Seen:
    """What the tests of one fault said on one kind of ledger."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0

    @property
    def shown(self) -> str:
        """Say it in a cell of the table."""
        if self.failed:
            return f"**{self.failed} failed**"
        if self.passed:
            return "holds"
        return "does not apply" if self.skipped else "**not covered**"

    @property
    def well(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.failed and bool(self.passed or self.skipped)


@dataclass
class Recorder:
    """Listens to pytest, also where xdist's workers run the tests."""

    seen: defaultdict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down how a test's set-up, call or end went."""
        for number in numbers(report.nodeid.rpartition("::")[2]):
            seen = self.seen[number]
            seen.seconds += report.duration
            seen.failed += report.failed
            seen.skipped += report.skipped
            seen.passed += report.passed and report.when == "call"


def run(kind: str, wanted: Sequence[str], workers: str) -> dict[str, Seen]:
    """Run the tests of these faults with ledgers of this kind."""
    os.environ[KIND_ASKED] = kind
    recorder = Recorder()
    chosen = " or ".join(f"_{number.lower()}_" for number in wanted)
    pytest.main(["-q", "-n", workers, "--no-header", "-k", chosen, str(TESTS)], [recorder])
    return recorder.seen


def tell(console: Console, wanted: Sequence[str], seen: Mapping[str, Mapping[str, Seen]]) -> None:
    """Print one line for each fault."""
    for number in wanted:
        if number in IMPOSSIBLE:
            console.print(f"[dim]{number}  not possible here   {FAULTS[number]}: {IMPOSSIBLE[number]}")
            continue
        each = [found[number] for found in seen.values()]
        colour = "green" if all(one.well for one in each) else "red"
        said = ", ".join(f"{kind} {found[number].shown.strip('*')}" for kind, found in seen.items())
        tests = max(one.passed + one.failed for one in each)
        seconds = sum(one.seconds for one in each)
        console.print(f"[{colour}]{number}[/]  {said}  [dim]{tests:3} tests {seconds:6.1f} s[/]  {FAULTS[number]}")


def table(seen: Mapping[str, Mapping[str, Seen]]) -> str:
    """Write the table of docs/reliability.md: all faults, by group."""
    held = sum(all(found[number].well for found in seen.values()) for number in FAULTS if number not in IMPOSSIBLE)
    lines = [f"{held} of {len(FAULTS)} faults are brought about and do no harm; {len(IMPOSSIBLE)} cannot be."]
    for letter, group in GROUPS.items():
        lines += ["", f"### {group}", "", "| | What goes wrong | Tests | SQLite | PostgreSQL |"]
        lines.append("|---|---|---:|---|---|")
        for number, fault in FAULTS.items():
            if number[0] == letter and number not in IMPOSSIBLE:
                each = [seen[kind][number] for kind in KINDS]
                cells = " | ".join(one.shown for one in each)
                lines.append(f"| {number} | {fault} | {max(one.passed + one.failed for one in each)} | {cells} |")
    lines += ["", "### Not brought about", "", "| | What goes wrong | Why not here |", "|---|---|---|"]
    lines += [f"| {number} | {FAULTS[number]} | {why} |" for number, why in IMPOSSIBLE.items()]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run, tell, and write the table where everything was run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("fault", nargs="*", type=str.upper, help="numbers of faults, as E01; all unless given")
    parser.add_argument("--ledger", choices=[*KINDS, "both"], default="both", help="the kind of ledger (both)")
    parser.add_argument("--workers", default="auto", help="processes that run tests (auto: one a core)")
    asked = parser.parse_args()
    unknown = set(asked.fault) - set(FAULTS)
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    wanted = asked.fault or list(FAULTS)
    kinds = KINDS if asked.ledger == "both" else (asked.ledger,)
    seen = {kind: defaultdict(Seen, run(kind, wanted, asked.workers)) for kind in kinds}
    tell(Console(highlight=False, soft_wrap=True), wanted, seen)
    if not asked.fault and kinds == KINDS:
        replace_part("table", table(seen))
    return int(not all(found[number].well for found in seen.values() for number in wanted if number not in IMPOSSIBLE))


if __name__ == "__main__":
    sys.exit(main())
