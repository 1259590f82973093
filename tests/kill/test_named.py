"""S01: killed at each named point, a run loses nobody, doubles nobody, and has hardly a request repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.named import AT_STAKE, SOON_SECONDS, kill_at
from tests.kill.point import POINTS, Point
from tests.state import State

pytestmark = pytest.mark.kill


def test_there_are_36_points() -> None:
    """Ten points at three times, and six once."""
    assert len(POINTS) == len(set(POINTS)) == 36


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_s01_killed_at_a_named_point(tmp_path: Path, state: State, point: Point) -> None:
    """The next run brings it to the end by itself, within a minute."""
    outcome = kill_at(point, tmp_path, state)
    assert outcome.wrong == ()
    assert outcome.repeated <= AT_STAKE
    assert outcome.seconds <= SOON_SECONDS
