"""S03: the power fails. What the ledger has committed is there, and nobody is lost or doubled after."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.power import Power
from tests.kill.place import KillPlace, kill_place
from tests.kill.process import environment
from tests.state import file_state, skip_unless_asked

pytestmark = pytest.mark.kill

# What is known at the moment of the failure: each of these is in a transaction that was committed.
KNOWN = "SELECT run, page, position, reference, outcome FROM lines ORDER BY run, page, position"
RUN = """\
import os, sys
from pathlib import Path
from flows.ledger import engine
from tests.kill.driver import run_to

def normal(connection, record, before=engine._configure_sqlite):
    before(connection, record)
    connection.execute("PRAGMA synchronous = NORMAL")

if sys.argv[4] == "NORMAL":
    engine._configure_sqlite = normal
run_to(Path(sys.argv[1]), os.environ, sys.argv[2], int(sys.argv[3]))
"""


def run_until_power_fails(place: KillPlace, power: Power, point: tuple[str, int], synchronous: str) -> list[Any]:
    """Run the job to a point, and let the power fail there; gives what the ledger had committed before."""
    arguments = [str(place.population.job), point[0], str(point[1]), synchronous]
    variables = {**environment(place.population.folder), **place.population.settings, **power.environment}
    process = subprocess.run([sys.executable, "-c", RUN, *arguments], env=variables, check=False, timeout=120)
    assert process.returncode == -signal.SIGKILL
    known = place.ask(KNOWN)  # of the files as they are: the machine itself did not fail
    power.fail()
    return known


@pytest.mark.parametrize("point", [("K6", 1), ("K10", 1), ("K10", 4), ("K13", 3), ("K14", 1)], ids=str)
def test_s03_the_power_fails(tmp_path: Path, point: tuple[str, int]) -> None:
    """Not one committed outcome is lost, and the next run brings it to the end."""
    skip_unless_asked("sqlite")
    (tmp_path / "ledger").mkdir()
    power = Power.over(tmp_path / "ledger", tmp_path)
    with kill_place(tmp_path, file_state(tmp_path / "ledger")) as place:
        known = run_until_power_fails(place, power, point, "FULL")
        assert place.ask(KNOWN) == known != []
        assert place.run() == 0
        assert place.differences() == []


def test_s03_a_ledger_that_does_not_sync_loses_what_it_knew(tmp_path: Path) -> None:
    """So the test above can fail. The target holds everybody once all the same, for an upsert is no second customer."""
    skip_unless_asked("sqlite")
    (tmp_path / "ledger").mkdir()
    power = Power.over(tmp_path / "ledger", tmp_path)
    with kill_place(tmp_path, file_state(tmp_path / "ledger")) as place:
        known = run_until_power_fails(place, power, ("K10", 4), "NORMAL")
        (power.watched / "ledger.db").touch()  # nothing of it was ever synced
        assert place.run() == 0
        assert [line for line in place.ask(KNOWN) if line in known] != known
        assert place.differences() == []
