"""Kills runs at the 36 named points and at 200 random moments, on both kinds of ledger, and tells what it cost.

`python -m tests.kill` writes the figures into docs/reliability.md; with `--random N` or `--ledger` it only prints them.
Exit code 1 where a customer was lost or doubled, a kill repeated more than 100 requests, or the next run came too late.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.faults.document import replace_part
from tests.kill.named import AT_STAKE, SOON_SECONDS, Outcome, kill_at
from tests.kill.point import POINTS, Point
from tests.kill.random_kill import Figures, kill_at_random
from tests.state import KINDS, fresh_state

RANDOM = 200
SIZE = 20_000  # customers under the random kills


def named(kind: str, progress: Progress) -> dict[Point, Outcome]:
    """Kill at every named point."""
    task = progress.add_task(f"{kind}: named points", total=len(POINTS))
    outcomes = {}
    for point in POINTS:
        with tempfile.TemporaryDirectory() as folder, fresh_state(kind, Path(folder)) as state:
            outcomes[point] = kill_at(point, Path(folder), state)
        progress.advance(task)
    return outcomes


def at_random(kind: str, kills: int, progress: Progress) -> Figures:
    """Kill at random moments."""
    task = progress.add_task(f"{kind}: random moments", total=kills)
    with tempfile.TemporaryDirectory() as folder, fresh_state(kind, Path(folder)) as state:
        advance = lambda: progress.advance(task)  # noqa: E731 - called often, with nothing
        return kill_at_random(Path(folder), state, kills=kills, size=SIZE, seed=20260301, on_kill=advance)


def shown(kind: str, outcomes: dict[Point, Outcome], figures: Figures) -> list[tuple[str, str]]:
    """Put the figures of one kind of ledger into words."""
    whole = sum(not each.wrong for each in outcomes.values())
    return [
        ("Ledger", {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]),
        ("Named points after which all was as it must be", f"{whole} of {len(outcomes)}"),
        ("Repeated requests, at most", str(max(each.repeated for each in outcomes.values()))),
        ("The next run was done after, at most", f"{max(each.seconds for each in outcomes.values()):.1f} s"),
        ("Random kills", f"{figures.kills}, {figures.while_sending} of them while customers were sent"),
        ("Lost, doubled or wrong", str(len(figures.wrong))),
        ("Requests about customers", f"{figures.requests:,}, {figures.faults:,} of them with an injected fault"),
        ("Repeated requests", f"{figures.repeated:,}; for one kill {figures.repeated_at_most} at most"),
        ("The next run asked after", f"{figures.seconds} s (median), {figures.seconds_at_most} s at most"),
    ]


def table(columns: list[list[tuple[str, str]]]) -> str:
    """Write the figures as a table of the documentation, a column for each kind of ledger."""
    rows = [(name, *(column[number][1] for column in columns)) for number, (name, _) in enumerate(columns[0])]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([lines[0].replace("Ledger", "", 1), "|---" * (1 + len(columns)) + "|", *lines[1:]]) + "\n"


def main() -> int:
    """Kill, tell, and write the figures where everything was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--ledger", choices=[*KINDS, "both"], default="both", help="the kind of ledger (both)")
    parser.add_argument("--random", type=int, default=RANDOM, help=f"how many random kills ({RANDOM})")
    asked = parser.parse_args()
    console = Console(highlight=False)
    columns, well = [], True
    for kind in KINDS if asked.ledger == "both" else (asked.ledger,):
        with Progress(console=console, transient=True) as progress:
            outcomes, figures = named(kind, progress), at_random(kind, asked.random, progress)
        for point, outcome in outcomes.items():
            said = "; ".join(outcome.wrong) or f"{outcome.repeated} repeated, done after {outcome.seconds:.1f} s"
            console.print(f"{kind:10}  {point!s:10}  {said}")
        columns.append(shown(kind, outcomes, figures))
        for name, value in columns[-1]:
            console.print(f"{kind:10}  {name}: {value}")
        for wrong in figures.wrong:
            console.print(f"[red]{kind:10}  {wrong}[/]")
        costs = [*((each.repeated, each.seconds) for each in outcomes.values())]
        costs.append((figures.repeated_at_most, figures.seconds_at_most))
        well &= not figures.wrong and not any(each.wrong for each in outcomes.values())
        well &= all(repeated <= AT_STAKE and seconds <= SOON_SECONDS for repeated, seconds in costs)
    if asked.ledger == "both" and asked.random == RANDOM:
        replace_part("kills", table(columns))
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
