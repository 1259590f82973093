"""The flow `replay-rejects`: the shell's replay as a flow run, whose state tells what the ledger tells."""

from __future__ import annotations

import pytest
from rich.console import Console

from flows.document import JobError
from flows.replay import run_flow
from flows.selection import Selection
from tests.canary import EMAILS
from tests.conftest import PrefectHarness
from tests.flows.command import WITH_REJECT, Place, Shell
from tests.flows.latest import latest_flow_run

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.usefixtures("surroundings"),
    # Prefect's clients leave sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_replay_is_a_flow_run_of_its_own(prefect_harness: PrefectHarness, place: Place, rollcall: Shell) -> None:
    """It has job and code as parameters, and its state says what is left; the ledger calls it a replay."""
    assert prefect_harness is not None
    place.write_customers(WITH_REJECT + f"C-5,,{EMAILS[4]}\n")
    assert rollcall("run", place.job, "--no-prefect").code == 3
    place.write_customers(WITH_REJECT.replace("C-4,,", "C-4,Delta,") + f"C-5,,{EMAILS[4]}\n")
    summary = run_flow(place.job, Console(stderr=True), Selection.of_replay("missing_param"))
    assert summary is not None
    assert (summary.run_id, summary.counts.created, summary.counts.invalid) == ("2", 1, 1)
    run = latest_flow_run("replay-rejects")
    assert run.parameters == {"job": str(place.job), "code": "missing_param"}
    assert run.state is not None
    assert run.state.is_completed()
    assert run.state.name == "Completed with 1 reject"
    assert rollcall("runs", place.job, "--json").json["runs"][0]["kind"] == "replay"


def test_a_wrong_code_fails_with_its_words(prefect_harness: PrefectHarness, place: Place) -> None:
    """As a wrong job does, in the flow's state and in the shell."""
    assert prefect_harness is not None
    with pytest.raises(JobError, match="--code"):
        run_flow(place.job, Console(stderr=True), Selection(replay=True, code=" "))
    state = latest_flow_run("replay-rejects").state
    assert state is not None
    assert state.is_failed()
    assert "--code needs a reject's code" in str(state.message)
