"""Kills a run at one of the named points, lets the next one finish, and judges what the target and the ledger hold."""

from __future__ import annotations

import csv
import signal
from dataclasses import dataclass
from pathlib import Path

from flows.ledger import migration
from flows.ledger.engine import open_engine, parse_url
from tests.kill.driver import start
from tests.kill.place import KillPlace, kill_place, seconds_of
from tests.kill.point import Point
from tests.state import State

AT_STAKE = 100  # upserts that one kill may repeat
SOON_SECONDS = 60.0  # until the next run has come to its end


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one kill: what is not as it must be, upserts repeated, and how long the next run took."""

    wrong: tuple[str, ...]
    repeated: int
    seconds: float


def kill_at(point: Point, folder: Path, state: State) -> Outcome:
    """Kill a run at a point, and let the next one finish."""
    with kill_place(folder, state) as place:
        settings = place.population.settings
        if point.name == "K16":
            _make_old(state)
        elif point.name == "K15":
            seconds_of(start(place.population.job, settings))
        elif point.name == "K11":
            place.put_off(point.occurrence)
        process = start(place.population.job, settings, point.name, point.occurrence)
        if point.name in ("K8", "K11"):
            place.wire.lie_in_wait(point.name, point.occurrence if point.name == "K8" else 1, process)
        seconds_of(process)
        wrong = [] if process.exitcode == -signal.SIGKILL else [f"it was not killed, it ended with {process.exitcode}"]
        next_run = start(place.population.job, settings)
        seconds = seconds_of(next_run)
        if next_run.exitcode != 0:
            wrong.append(f"the next run ended with {next_run.exitcode}")
        wrong += [*place.differences(), *_too_much(place)]
        if point.name == "K15":
            wrong += _exported(place)
        return Outcome(tuple(wrong), place.repeated, seconds)


def _too_much(place: KillPlace) -> list[str]:
    found = []
    if place.repeated > AT_STAKE:
        found.append(f"{place.repeated} upserts were repeated")
    if place.most_writes > 2:
        found.append(f"a customer was sent {place.most_writes} times")
    return found


def _exported(place: KillPlace) -> list[str]:
    """Hold that half an export is none, and that the next one is whole."""
    file = place.population.job.with_name("rejects.csv")
    if file.exists():
        return ["half an export stands under its name"]
    seconds_of(start(place.population.job, place.population.settings, "K15", occurrence=2))  # which does not come
    with file.open(encoding="utf-8", newline="") as lines:
        keys = {line["source_key"] for line in csv.DictReader(lines)}
    return [] if keys == place.population.rejects().keys() else ["the next export is not whole"]


def _make_old(state: State) -> None:
    """Make a ledger as the second version of its schema had it."""
    steps, migration.MIGRATIONS = migration.MIGRATIONS, migration.MIGRATIONS[:2]
    engine = open_engine(parse_url(state.url))
    try:
        with engine.begin() as connection:
            migration.migrate(connection)
    finally:
        migration.MIGRATIONS = steps
        engine.dispose()
