"""What people see: a real browser before a real server, after a worker has run deployed jobs on their schedules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.ui.browser import Browser, browser, demand_browser
from tests.flows.ui.picture import PICTURES, take_pictures
from tests.flows.ui.stage import BAD, COUNT, GOOD, PAGE, PASSWORD, Stage, stage

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

CAUSE = "failed: valomnia: login: user name or password refused (status 302)"
MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Let a worker run two jobs once, each on its schedule."""
    demand_browser()
    with stage(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="module")
def window(staged: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Open one window for all tests."""
    with browser(staged.address, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_a_run_with_rejects(staged: Stage, window: Browser) -> None:
    """Its page shows job and moment, the state with rejects, task runs named by their ranges, and logs with its id."""
    pages = [f"page {n}: records {(n - 1) * PAGE + 1}-{n * PAGE}" for n in range(1, COUNT // PAGE + 1)]
    text = window.open(staged.run_page(staged.completed), "run 1 of", *pages)
    assert re.search(rf"^{GOOD} {MOMENT}$", text, re.MULTILINE)
    assert "Completed with 12 rejects" in text.splitlines()
    assert "auto-scheduled" in text.splitlines(), "the schedule began it, and nobody else"
    assert f"{len(pages)} Task runs" in text
    assert [line for line in text.splitlines() if line.startswith("page ")] == pages
    assert f"run 1: {GOOD}, from csv to valomnia" in text
    assert f"run 1 of {GOOD}: completed with 12 rejects" in text
    assert "no-address" not in text, "no value of a customer"
    assert "C-0017" not in text, "no reference of a customer"


def test_the_summary(staged: Stage, window: Browser) -> None:
    """The artifact's page shows what became of the customers, and figures of the run."""
    text = window.open(staged.artifact_page(f"{GOOD}-run"), "slowest page")
    assert f"{GOOD}: completed with 12 rejects" in text
    for line in ("created 588", "invalid 10", "rejected 2", f"extracted {COUNT}", "number 1", "status completed"):
        assert line in text.splitlines(), line


def test_the_rejects(staged: Stage, window: Browser) -> None:
    """The table's page shows codes and fields with their numbers, and what to do."""
    text = window.open(staged.artifact_page(f"{GOOD}-rejects"), "advice", "missing_param")
    rows = window.rows()
    assert [row[:3] for row in rows] == [
        ["5", "invalid_value", "email"],
        ["4", "invalid_value", "billingCountry"],
        ["2", "not_found", "currency"],
        ["1", "missing_param", "name"],
    ]
    assert rows[2][3].startswith("Create or configure it in the target")
    assert "Atlantis" not in text


def test_a_failed_run(staged: Stage, window: Browser) -> None:
    """Its page shows the state and, as the state's message, the cause; the password stands nowhere."""
    text = window.open(f"{staged.run_page(staged.failed)}?tab=Details", f"State Message\n{CAUSE}")
    assert "Failed" in text.splitlines()
    assert re.search(rf"^{BAD} {MOMENT}$", text, re.MULTILINE)
    logs = window.open(staged.run_page(staged.failed), f"run 1 of {BAD}: {CAUSE}")
    assert PASSWORD not in text + logs


def test_the_lists(staged: Stage, window: Browser) -> None:
    """The page of all runs has both with their states; the deployment's has the schedule, and what comes."""
    text = window.open("/runs", f"{GOOD} 2", f"{BAD} 2")
    assert "Completed with 12 rejects" in text.splitlines()
    assert "Failed" in text.splitlines()
    text = window.open(f"/deployments/deployment/{staged.deployments[GOOD]}?tab=Upcoming", "Scheduled for")
    assert "Schedules" in text.splitlines()


def test_the_form(staged: Stage, window: Browser) -> None:
    """Who starts a run by hand is asked for each parameter by its type."""
    text = window.open(f"/deployments/deployment/{staged.deployments[GOOD]}/run", "Validate parameters")
    for label in ("job", "full (Optional)", "since (Optional)", "limit (Optional)", "dry_run (Optional)"):
        assert label in text.splitlines(), label
    assert re.search(r"^limit \(Optional\)\n(.*\n)?int\nNone$", text, re.MULTILINE)
    assert "Read the source from its beginning" in text, "what a parameter is for"


def test_the_pictures(staged: Stage, window: Browser, tmp_path: Path) -> None:
    """The script takes each picture that the operator's page shows, and none is large."""
    take_pictures(staged, window, tmp_path)
    taken = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(taken) == set(PICTURES) == {file.name for file in Path("docs/picture").iterdir()}
    for name, size in taken.items():
        assert 10_000 < size < 150_000, name
