"""No secret and no personal value is found anywhere outside the systems themselves, however a run fails."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Forced
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import ValomniaVendor, valomnia_app
from tests.conftest import PrefectHarness
from tests.flows import canary
from tests.flows.command import Said, start_python
from tests.state import KEY, State, ledger_content, own_state

# What a process does that logs all there is to log, before the command line takes over.
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
logging.getLogger("canary.test").debug("logging at DEBUG reaches standard error")
"""
CALL = "from flows.cli import main; main()"
# Everything that a ledger can be asked, in one process; importing takes longer than answering.
REPORTS = """
from flows.cli import main
for arguments in (
    "rejects job.yaml", "rejects job.yaml --json --csv rejects.csv", "runs job.yaml --json", "runs job.yaml",
    "why job.yaml REF-03", "why job.yaml REF-13 --json", "why job.yaml REF-01",
):
    sys.argv = ["rollcall", *arguments.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, arguments
"""
INPUTS = {"customers.csv", "job.yaml", "own_converters.py"}
LEDGER = "rollcall.db"


@dataclass(slots=True)
class Scene:
    """A folder full of canaries, and the sandbox that repeats what it is told."""

    folder: Path
    app: SandboxApp
    environment: dict[str, str]
    state: State | None = None  # where the ledger is no file in the folder

    def rollcall(self, *arguments: object, before: str = "", call: str = CALL) -> Said:
        """Call `rollcall` in a process of its own, with logging at DEBUG, after the code in `before`."""
        said = start_python(LOUD + before + call, *arguments, environment=self.environment, cwd=self.folder)
        assert "logging at DEBUG reaches standard error" in said.err, "the search must be able to find a log line"
        return said

    @property
    def tokens(self) -> set[str]:
        """The session ids and tokens that the sandbox has handed out."""
        assert isinstance(self.app.vendor, ValomniaVendor)
        desk = self.app.vendor._sessions
        return {*desk._sessions, *(session.token for session in desk._sessions.values())}

    def leaks(self, content: bytes | str) -> list[str]:
        """List the secrets and personal values in a content."""
        return canary.found_in(content, {*canary.SECRETS, *canary.PERSONAL, *self.tokens})

    def left_behind(self) -> dict[str, bytes]:
        """Read everything that the runs have left in the folder, and a ledger that is on a server."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in INPUTS]
        read = {path.name: path.read_bytes() for path in files if "__pycache__" not in path.parts}
        return read if self.state is None else read | {LEDGER: ledger_content(self.state.url)}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Open a job in which everything goes wrong that can go wrong with a customer."""
    folder = tmp_path / "scene"
    folder.mkdir()
    canary.write_everything_wrong(folder)
    app = valomnia_app(
        ValomniaSettings(username=canary.USERNAME, password=canary.PASSWORD), faults=canary.echoing_faults()
    )
    with running(app) as url:
        environment = {
            "URL": url,
            "USERNAME": canary.USERNAME,
            "PASSWORD": canary.PASSWORD,
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "DO_NOT_TRACK": "1",
        }
        state = own_state(folder)
        if state.url.startswith("sqlite:"):
            yield Scene(folder, app, environment)
        else:
            yield Scene(folder, app, {**environment, "ROLLCALL_STATE": state.url, **state.environment}, state)


def references_in(said: Said) -> list[str]:
    """List the customers that a run's output or log names."""
    return canary.found_in(said.out + said.err, canary.REFERENCES)


def test_x01_x03_x28_x30_run_in_which_everything_fails(scene: Scene) -> None:
    """Invalid rows, failing converters, echoing refusals, 500s, HTML and dropped answers leave no personal value."""
    first = scene.rollcall("run", "job.yaml", "--json")
    assert first.code == 3, first.err
    assert (first.json["invalid"], first.json["rejected"]) == (10, 6), first.json
    assert first.json["retries"] >= 4
    assert len(scene.tokens) >= 2
    assert scene.leaks(first.out + first.err) == []
    assert references_in(first) == []
    with looked_at(scene):
        again = scene.rollcall("run", "job.yaml")
        assert scene.leaks(again.out + again.err) == []
        files = scene.left_behind()
        assert {name: scene.leaks(content) for name, content in files.items() if scene.leaks(content)} == {}
        assert canary.found_in(" ".join(files), [*canary.REFERENCES, *canary.PERSONAL]) == []
        assert b"REF-11" in files[LEDGER], "the search must be able to find what is there"
    key = key_of(scene)
    assert {name for name, content in files.items() if key.encode() in content} <= {"rollcall.key"}
    assert key not in first.out + first.err + again.out + again.err


@contextmanager
def looked_at(scene: Scene) -> Iterator[None]:
    """Keep a ledger's write-ahead log alive by a reader, where it is a file."""
    if scene.state is not None:
        yield
        return
    with closing(sqlite3.connect(scene.folder / LEDGER)) as reader:
        reader.execute("SELECT count(*) FROM runs").fetchone()
        yield
        assert (scene.folder / f"{LEDGER}-wal").stat().st_size > 0


def key_of(scene: Scene) -> str:
    """Give the key of the scene's ledger."""
    return (scene.folder / "rollcall.key").read_text().strip() if scene.state is None else KEY


def test_x01_reports_of_such_a_run(scene: Scene) -> None:
    """Rejects as table, JSON and CSV, runs and stories name customers by reference alone."""
    scene.environment["ROLLCALL_KEY"] = canary.KEY
    scene.rollcall("run", "job.yaml")
    told = scene.rollcall(call=REPORTS)
    assert told.code == 0, told.err
    assert "ValueError" in told.out, "the story of REF-03 is told"
    assert scene.leaks(told.out + told.err) == []
    files = scene.left_behind()
    assert b"REF-13" in files["rejects.csv"]
    assert {name: scene.leaks(content) for name, content in files.items() if scene.leaks(content)} == {}
    assert "rollcall.key" not in files


def test_x01_wrong_password(scene: Scene) -> None:
    """A password that is refused is not repeated, nor is the name of who signs in."""
    scene.environment["PASSWORD"] = "Wrong-Buzzard-77"
    said = scene.rollcall("run", "job.yaml", "--json")
    assert said.code == 1
    for content in ((said.out + said.err).encode(), *scene.left_behind().values()):
        assert scene.leaks(content) == canary.found_in(content, ["Buzzard"]) == []


def test_x01_broken_line(scene: Scene) -> None:
    """A file that cannot be parsed is named with the line, and nothing of the line is shown."""
    canary.write_broken(scene.folder)
    said = scene.rollcall("run", "job.yaml", "--json")
    assert said.code == 2
    assert "customers.csv: the record that begins on line 3 cannot be read" in said.json["message"]
    assert scene.leaks(said.out + said.err) == []
    assert all(scene.leaks(content) == [] for content in scene.left_behind().values())


@pytest.mark.parametrize("status", [302, 403])
def test_x01_target_that_fails_for_good(scene: Scene, status: int) -> None:
    """An answer that ends the run is told by its status; its body, which repeats the customer, is not."""
    body = json.dumps({"error": canary.PERSONAL[0], "error_description": " / ".join(canary.PEOPLE["REF-01"])})
    scene.app.faults = Faults(forced={"REF-01": Forced(status=status, body=body)})
    said = scene.rollcall("run", "job.yaml", "--json")
    assert said.code == 1
    assert f"status {status}" in said.json["message"]
    assert references_in(said) == []
    for content in ((said.out + said.err).encode(), *scene.left_behind().values()):
        assert scene.leaks(content) == []


OWN_ERROR = f"""
import {{module}}

def broken(*_):
    try:
        raise KeyError({canary.PERSONAL[0]!r})
    except KeyError as error:
        raise RuntimeError({f"{canary.PERSONAL[1]} with {canary.PASSWORD}"!r}) from error

{{module}}.{{name}} = broken
"""


def own_error(place: str) -> str:
    """Write the code that breaks a function of ours (module:name), so that it raises what it should not tell."""
    module, name = place.split(":")
    return OWN_ERROR.format(module=module, name=name)


@pytest.mark.parametrize("place", ["mappings.digest:payloads", "mappings.redaction:redact"])
def test_x01_error_of_our_own(scene: Scene, place: str) -> None:
    """A fault of the program itself is told by its kind and place, without its text and without a traceback."""
    said = scene.rollcall("run", "job.yaml", "--json", before=own_error(place))
    assert said.code == 1
    assert said.json["message"].startswith("an error of our own: RuntimeError in ")
    assert "Traceback" not in said.err
    assert scene.leaks(said.out + said.err) == []
    assert references_in(said) == []
    assert all(scene.leaks(content) == [] for content in scene.left_behind().values())


def cells(database: Path) -> Iterator[tuple[str, str]]:
    """Read every cell of every table of a SQLite database, with its table and column."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
        for (table,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            found = reader.execute(f'SELECT * FROM "{table}"')
            for row in found:
                for column, value in zip(found.description, row, strict=True):
                    yield f"{table}.{column[0]}", value.decode("latin-1") if isinstance(value, bytes) else str(value)


def stored(database: Path, *awaited: str) -> list[tuple[str, str]]:
    """Read Prefect's cells once these texts have arrived; its server stores logs and events a moment later."""
    for _ in range(200):
        found = list(cells(database))
        if all(any(text in value for _, value in found) for text in awaited):
            return found
        time.sleep(0.1)
    raise AssertionError(f"Prefect never stored {awaited}")


@dataclass(frozen=True, slots=True)
class Case:
    """A way in which a flow run ends: what is called, how it ends, and what Prefect stores of it at the last."""

    code: int
    awaited: tuple[str, ...]
    arguments: tuple[str, ...] = ("run",)
    place: str = ""  # the function of ours that breaks
    password: str = canary.PASSWORD
    flow: str = "sync-customers"


FORM = """
import asyncio, sys
from flows.sync import sync_customers
state = asyncio.run(sync_customers(sys.argv[1], dry_run=True, return_state=True))
sys.exit(0 if state.is_completed() else 1)
"""
PAGE = "page 1: records 1-"
CASES = {
    "rejects": Case(3, ("run 1 of canary: completed with 16 rejects", PAGE)),
    "error of our own": Case(1, ("an error of our own: RuntimeError in ", PAGE), place="mappings.redaction:redact"),
    "wrong password": Case(1, ("login: user name or password refused",), password="Wrong-Buzzard-77"),
    "refused in mid-run": Case(1, ("status 403", PAGE)),
    "broken line": Case(2, ("the record that begins on line 3 cannot be read",)),
    "dry run": Case(0, ("dry run of canary: completed with ", PAGE), arguments=()),
    "replay": Case(3, ("run 2 of canary: completed with ", "due again"), ("replay",), flow="replay-rejects"),
}


def call_under_prefect(scene: Scene, name: str) -> Said:
    """Bring about what a case is about, under Prefect."""
    case, job = CASES[name], scene.folder / "job.yaml"
    api = scene.environment.pop("PREFECT_API_URL")
    if name == "broken line":
        canary.write_broken(scene.folder)
    if name == "refused in mid-run":
        body = json.dumps({"error": canary.PERSONAL[0], "error_description": " / ".join(canary.PEOPLE["REF-01"])})
        scene.app.faults = Faults(forced={"REF-01": Forced(status=403, body=body)})
    if name == "replay":
        scene.rollcall("run", job)
    scene.environment |= {"PREFECT_API_URL": api, "PASSWORD": case.password}
    if not case.arguments:
        return scene.rollcall(job, call=FORM)
    return scene.rollcall(*case.arguments, job, "--json", before=own_error(case.place) if case.place else "")


@pytest.mark.prefect
@pytest.mark.parametrize("name", CASES)
def test_x04_x05_x30_prefect_is_told_nothing(
    scene: Scene, prefect_harness: PrefectHarness, tmp_path: Path, name: str
) -> None:
    """Prefect's database, files and logs hold job and counts alone: no secret, no personal value and no reference."""
    scene.environment |= {
        "PREFECT_API_URL": prefect_harness.api_url,
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
    }
    case = CASES[name]
    said = call_under_prefect(scene, name)
    assert said.code == case.code, said.err
    everything = stored(prefect_harness.database, str(scene.folder), *case.awaited)
    forbidden = {*canary.SECRETS, *canary.PERSONAL, *canary.REFERENCES, *scene.tokens, "Buzzard"}
    assert [(cell, found) for cell, value in everything if (found := canary.found_in(value, forbidden))] == []
    parameters = [value for cell, value in everything if cell == "flow_run.parameters" and str(scene.folder) in value]
    job = {"job": str(scene.folder / "job.yaml")}
    asked = {"full": False, "since": None, "limit": None, "dry_run": not case.arguments}
    assert [json.loads(each) for each in parameters] == [
        job | (asked if case.flow == "sync-customers" else {"code": None})
    ]
    files = {path.name: path.read_bytes() for path in (tmp_path / "prefect").rglob("*") if path.is_file()}
    assert {each: canary.found_in(content, forbidden) for each, content in files.items()} == {
        each: [] for each in files
    }
    assert canary.found_in(said.out + said.err, forbidden) == []
