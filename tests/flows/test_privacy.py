"""No secret and no personal value is found anywhere outside the systems themselves, however a run fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.valomnia import ValomniaVendor, valomnia_app
from connectors.sandbox.valomnia_setting import ValomniaSettings
from tests.flows import canary
from tests.flows.command import Said, start_python

# What a process does that logs all there is to log, before the command line takes over.
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
logging.getLogger("canary.test").debug("logging at DEBUG reaches standard error")
"""
CALL = "from flows.cli import main; main()"
INPUTS = {"customers.csv", "job.yaml", "own_converters.py"}


@dataclass(slots=True)
class Scene:
    """A folder full of canaries, and the sandbox that repeats what it is told."""

    folder: Path
    app: SandboxApp
    environment: dict[str, str]

    def rollcall(self, *arguments: object, before: str = "", password: str = canary.PASSWORD) -> Said:
        """Call `rollcall` in a process of its own, with logging at DEBUG, after the code in `before`."""
        environment = self.environment | {"PASSWORD": password}
        said = start_python(LOUD + before + CALL, *arguments, environment=environment, cwd=self.folder)
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
        """Read everything that the runs have left in the folder."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name not in INPUTS]
        return {path.name: path.read_bytes() for path in files if "__pycache__" not in path.parts}


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
        names = {"URL": url, "USERNAME": canary.USERNAME, "PREFECT_HOME": str(tmp_path / "prefect")}
        yield Scene(folder, app, names)


def references_in(said: Said) -> list[str]:
    """List the customers that a run's output or log names."""
    return canary.found_in(said.out + said.err, canary.REFERENCES)


def test_run_in_which_everything_fails(scene: Scene) -> None:
    """Invalid rows, failing converters, echoing refusals, 500s, HTML and dropped answers leave no personal value."""
    first = scene.rollcall("run", "job.yaml", "--json")
    assert first.code == 3, first.err
    assert (first.json["invalid"], first.json["rejected"]) == (10, 6), first.json
    assert first.json["retries"] >= 4
    assert len(scene.tokens) >= 2
    assert scene.leaks(first.out + first.err) == []
    assert references_in(first) == []
    with closing(sqlite3.connect(scene.folder / "rollcall.db")) as reader:  # an open reader keeps the log file alive
        reader.execute("SELECT count(*) FROM runs").fetchone()
        again = scene.rollcall("run", "job.yaml")
        assert scene.leaks(again.out + again.err) == []
        files = scene.left_behind()
        assert len(files["rollcall.db-wal"]) > 0
        assert {name: scene.leaks(content) for name, content in files.items() if scene.leaks(content)} == {}
        assert b"REF-11" in files["rollcall.db"], "the search must be able to find what is there"
        key = (scene.folder / "rollcall.key").read_text().strip()
        assert [name for name, content in files.items() if key.encode() in content] == ["rollcall.key"]
        assert key not in first.out + first.err + again.out + again.err


def test_reports_of_such_a_run(scene: Scene) -> None:
    """Rejects as table, JSON and CSV, runs and stories name customers by reference alone."""
    scene.environment["ROLLCALL_KEY"] = canary.KEY
    scene.rollcall("run", "job.yaml")
    told = [
        scene.rollcall("rejects", "job.yaml"),
        scene.rollcall("rejects", "job.yaml", "--json", "--csv", "rejects.csv"),
        scene.rollcall("runs", "job.yaml", "--json"),
        *(scene.rollcall("why", "job.yaml", reference) for reference in ("REF-03", "REF-13")),
    ]
    assert [said.code for said in told] == [0] * 5
    assert [scene.leaks(said.out + said.err) for said in told] == [[]] * 5
    files = scene.left_behind()
    assert b"REF-13" in files["rejects.csv"]
    assert {name: scene.leaks(content) for name, content in files.items() if scene.leaks(content)} == {}
    assert "rollcall.key" not in files


def test_wrong_password(scene: Scene) -> None:
    """A password that is refused is not repeated, nor is the name of who signs in."""
    said = scene.rollcall("run", "job.yaml", "--json", password="Wrong-Buzzard-77")
    assert said.code == 1
    assert scene.leaks(said.out + said.err) == []
    assert canary.found_in(said.out + said.err, ["Buzzard"]) == []
    assert {name: canary.found_in(content, ["Buzzard"]) for name, content in scene.left_behind().items()} == dict.fromkeys(
        scene.left_behind(), []
    )


def test_broken_line(scene: Scene) -> None:
    """A file that cannot be parsed is named with the line, and nothing of the line is shown."""
    canary.write_broken(scene.folder)
    said = scene.rollcall("run", "job.yaml", "--json")
    assert said.code == 2
    assert "customers.csv: the record that begins on line 3 cannot be read" in said.json["message"]
    assert scene.leaks(said.out + said.err) == []
    assert all(scene.leaks(content) == [] for content in scene.left_behind().values())


OWN_ERROR = f"""
import flows.page

def broken(*_):
    try:
        raise KeyError({canary.PERSONAL[0]!r})
    except KeyError as error:
        raise RuntimeError({f"{canary.PERSONAL[1]} with {canary.PASSWORD}"!r}) from error

flows.page.{{name}} = broken
"""


@pytest.mark.parametrize("name", ["check", "payloads", "decide", "redact"])
def test_error_of_our_own(scene: Scene, name: str) -> None:
    """A fault of the program itself is told by its kind and place, without its text and without a traceback."""
    said = scene.rollcall("run", "job.yaml", "--json", before=OWN_ERROR.format(name=name))
    assert said.code == 1
    assert said.json["message"].startswith("an error of our own: RuntimeError in ")
    assert "Traceback" not in said.err
    assert scene.leaks(said.out + said.err) == []
    assert references_in(said) == []
    assert all(scene.leaks(content) == [] for content in scene.left_behind().values())
