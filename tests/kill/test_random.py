"""S02: killed at any moment, a sync loses nobody, doubles nobody, and repeats hardly a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.named import AT_STAKE, SOON_SECONDS
from tests.kill.random_kill import Figures, kill_at_random
from tests.server import Database
from tests.state import file_state, server_state, skip_unless_asked

pytestmark = pytest.mark.kill


def judge(figures: Figures) -> None:
    """Hold what must be so however many kills there were."""
    print(figures)  # for who reads along with `pytest -s`
    assert figures.wrong == ()
    assert figures.repeated_at_most <= AT_STAKE
    assert figures.seconds_at_most <= SOON_SECONDS
    assert figures.faults > 2 * figures.kills


def test_s02_forty_random_kills(tmp_path: Path) -> None:
    """Forty kills while answers are lost; most of them hit while customers are sent, and most of those get on."""
    skip_unless_asked("sqlite")
    figures = kill_at_random(tmp_path, file_state(tmp_path), kills=40, size=5000, seed=20260301)
    judge(figures)
    assert figures.while_sending >= 30
    assert figures.got_on >= 25
    assert figures.brought >= 2000


def test_s02_s20_random_kills_with_the_ledger_on_a_server(tmp_path: Path, postgresql: Database) -> None:
    """The same with PostgreSQL, a handful of times; the dead owner's lease is free at once."""
    skip_unless_asked("postgresql")
    figures = kill_at_random(tmp_path, server_state(postgresql), kills=6, size=1000, seed=20260302)
    judge(figures)
    assert figures.while_sending >= 3
