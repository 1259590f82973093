"""The progress artifact moves while a run is under way: a bar where the share is known, a count where it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.fault import Faults
from flows.summary import ExitCode
from tests.flows.deployment.worker import wait_for
from tests.flows.display.hosted import HostedRun, Program
from tests.flows.run_place import Place, open_place, run_here

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

SIZE, PAGE = 600, 20
SLOW = Faults(latency_ms=200)  # a minute for all; once the artifact has moved, nobody waits for that
COUNT = re.compile(r"# killed: ([\d,]+) customers? so far\n")


@dataclass(slots=True)
class Onlooker:
    """Somebody who looks at the progress artifact of a run now and then, as on its page in the UI."""

    run: HostedRun
    kind: str
    seen: list[float] = field(default_factory=list)

    def has_seen_it_move(self) -> bool:
        """Look, and say whether it has shown two values by now."""
        for artifact in self.artifacts():
            value = shown(artifact)
            if self.seen[-1:] != [value]:
                self.seen.append(value)
        return len(self.seen) >= 2

    def artifacts(self) -> list[dict[str, Any]]:
        """List the progress artifacts of the run; there is to be one."""
        runs = [each for each in self.run.server.flow_runs() if each["parameters"]["job"] == str(self.run.place.job)]
        found = [each for run in runs for each in self.run.server.artifacts(run["id"])]
        return [each for each in found if each["key"] == "killed-progress" and each["type"] == self.kind]


def shown(artifact: dict[str, Any]) -> float:
    """Read how far a run has come: the bar's percentage, or the count in the text."""
    if artifact["type"] == "progress":
        return float(artifact["data"])
    found = COUNT.match(artifact["data"])
    assert found, artifact["data"]
    return float(found[1].replace(",", ""))


def change_everybody(place: Place) -> None:
    """Bring all customers over, and give each of them new values."""
    assert run_here(place.job).status == "completed"
    place.population.versions = dict.fromkeys(range(SIZE), 1)
    place.population.write_customers()
    place.app.faults = SLOW


def test_the_progress_artifact_moves(tmp_path: Path, program: Program) -> None:
    """A first run counts its customers, a repeated one has a bar; both grow on the way, and say the end at the end."""
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
    with (
        open_place(tmp_path / "again", size=SIZE, page_size=PAGE, concurrency=2, latency_ms=0) as repeated,
        open_place(tmp_path / "first", size=SIZE, page_size=PAGE, concurrency=2, latency_ms=200) as fresh,
        program.run(fresh) as first,
    ):
        change_everybody(repeated)
        with program.run(repeated) as again:
            text, bar = Onlooker(first, "markdown"), Onlooker(again, "progress")
            wait_for(lambda: all([text.has_seen_it_move(), bar.has_seen_it_move()]))
            fresh.app.faults = repeated.app.faults = Faults()
            assert first.end(90) == again.end(90) == ExitCode.REJECTS, first.err + again.err
        for each, most in ((text, SIZE), (bar, 100)):
            assert each.seen == sorted(each.seen)
            assert each.seen[0] < each.seen[1] < most
        ((ended,), (full,)) = (text.artifacts(), bar.artifacts())
        assert ended["data"].startswith(f"# killed: {SIZE} customers (done)\n")
        assert full["data"] == 100
        assert "(done)" in full["description"]
