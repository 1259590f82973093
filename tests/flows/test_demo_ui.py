"""The demo with its UI: it runs by itself, and whatever ends it, nothing of it stays."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from flows.ledger.ledger import Ledger
from flows.run import now
from tests.flows.deployment.worker import ROLLCALL, alive, children, end, ours

pytestmark = [pytest.mark.prefect, pytest.mark.kill]

_WAIT_SECONDS = 200
# A machine on which Prefect's command ends at once.
_NO_SERVER = """\
import os, sys
if sys.orig_argv[1:3] == ["-m", "prefect"]:
    print("no space left here", file=sys.stderr, flush=True)
    os._exit(1)
"""
_FIRST_SCHEDULED = re.compile(r"run 3 (\w+)")


@dataclass(slots=True)
class Demo:
    """A demo under way: its process, what it says, and the folder in which it makes its own."""

    process: subprocess.Popen[bytes]
    log: Path
    temporary: Path

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8")

    @property
    def address(self) -> str:
        """Where its UI is."""
        found = re.search(r"Look at it: (\S+)", self.said)
        assert found, self.said
        return found[1]

    def await_that(self, true: Callable[[], bool]) -> None:
        """Wait until it is true; raises AssertionError with what it said where it ends, or takes too long."""
        end = time.monotonic() + _WAIT_SECONDS
        while not true():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < end, self.said
            time.sleep(0.2)


@contextmanager
def demo(folder: Path, *arguments: str, **more: str) -> Iterator[Demo]:
    """Begin the demo in a session of its own, as a terminal does; what is left of it is ended at the end."""
    temporary = folder / "tmp"
    temporary.mkdir()
    log = folder / "said.log"
    with (
        log.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", ROLLCALL, "demo", "--ui", *arguments],
            env={**ours(), "TMPDIR": str(temporary), "COLUMNS": "200", **more},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as process,
    ):
        begun = Demo(process, log, temporary)
        try:
            yield begun
        finally:
            for each in [*children(process.pid), process.pid]:
                end(each)


def _listening(address: str, host: str | None = None) -> bool:
    parts = urlsplit(address)
    with socket.socket() as client:
        return client.connect_ex((host or str(parts.hostname), int(parts.port or 80))) == 0


def _outer_address() -> str:
    """Give the address under which others reach this machine; that of another loopback where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        try:
            client.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return "127.0.0.3"
        return str(client.getsockname()[0])


def _gone(processes: list[int]) -> bool:
    end = time.monotonic() + 10
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.1)
    return not any(map(alive, processes))


def test_it_runs_every_minute_until_ctrl_c(tmp_path: Path) -> None:
    """A second run comes at once and a third on the schedule; Ctrl-C in the midst ends all of it, with exit code 0."""
    with demo(tmp_path) as begun:
        begun.await_that(lambda: "run 2 completed: 3 sent, 4 unchanged, 1 filtered, rejects: 4" in begun.said)
        begun.await_that(lambda: bool(_FIRST_SCHEDULED.search(begun.said)))
        assert "run 3 completed: 0 sent, 7 unchanged" in begun.said
        page = httpx.get(begun.address, trust_env=False, follow_redirects=True)
        assert "<title>Prefect" in page.text
        processes = children(begun.process.pid)
        assert processes, "a server of its own"
        address = begun.address
        os.killpg(begun.process.pid, signal.SIGINT)
        assert begun.process.wait(60) == 0
        assert _gone(processes)
        assert not _listening(address)
        assert not [*begun.temporary.iterdir()]
        assert begun.said.rstrip().endswith("Ended. Nothing is left running.")
        assert "Traceback" not in begun.said
        assert "INFO" not in begun.said, "Prefect's log lines are for the UI"


def test_x26_a_server_for_this_machine_alone_until_sigterm(tmp_path: Path) -> None:
    """No other address reaches the server, SIGTERM ends it and runs; a named folder keeps job, customers and ledger."""
    with demo(tmp_path, "--folder", "tour") as begun:
        begun.await_that(lambda: "as the ledger has it" in begun.said)
        begun.await_that(lambda: len(children(begun.process.pid)) > 1)  # the server's, and that of a run
        processes, address = children(begun.process.pid), begun.address
        assert _listening(address)
        assert not [each for each in ("127.0.0.2", _outer_address()) if _listening(address, each)]
        begun.process.terminate()
        assert begun.process.wait(90) == 0, begun.said
        assert _gone(processes)
        assert not _listening(address)
        assert not [*begun.temporary.iterdir()]
        assert {file.name for file in (tmp_path / "tour").iterdir()} >= {"job.yaml", "customers.csv", "rollcall.db"}
        assert "Traceback" not in begun.said
    key = tmp_path / "tour" / "rollcall.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    kept = key.read_bytes()
    (tmp_path / "again").mkdir()
    with demo(tmp_path / "again", "--folder", str(tmp_path / "tour")) as begun:
        begun.await_that(lambda: "as the ledger has it" in begun.said)
        begun.process.terminate()
        assert begun.process.wait(90) == 0, begun.said
    assert key.read_bytes() == kept
    Ledger.open(f"sqlite:///{tmp_path / 'tour' / 'rollcall.db'}", {}, now).close()


def test_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    """What stands in the folder that is named is not overwritten; no server is started for it."""
    (tmp_path / "customers.csv").write_text("mine", encoding="utf-8")
    with demo(tmp_path, "--folder", str(tmp_path)) as begun:
        assert begun.process.wait(60) == 2
        assert "customers.csv is not the demo's own" in begun.said
        assert not [*begun.temporary.iterdir()]
    assert (tmp_path / "customers.csv").read_text(encoding="utf-8") == "mine"


def test_a_server_that_does_not_start(tmp_path: Path) -> None:
    """It is told clearly, with the server's last word and exit code 1, and nothing stays."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(_NO_SERVER, encoding="utf-8")
    said = ours()["PYTHONPATH"]
    with demo(tmp_path, PYTHONPATH=f"{broken}{os.pathsep}{said}") as begun:
        assert begun.process.wait(120) == 1
        assert "the Prefect server did not start" in begun.said
        assert "no space left here" in begun.said
        assert "Traceback" not in begun.said
        assert not [*begun.temporary.iterdir()]


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_while_an_object_is_cleared_away(tmp_path: Path, number: str) -> None:
    """What Python raises there is lost: it is raised again, until the end begins."""
    code = f"""\
import os, signal, time
from pathlib import Path
from flows.demo_ui import _ending_in_order

class Cleared:
    def __del__(self):
        os.kill(os.getpid(), signal.{number})
        time.sleep(0.01)

with _ending_in_order(Path({str(tmp_path / "home")!r})):
    try:
        Cleared()
        print("lost", flush=True)
        time.sleep(30)
    except KeyboardInterrupt:
        print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", code], env=ours(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "lost\ninterrupted\n")


def test_ctrl_c_while_the_server_starts(tmp_path: Path) -> None:
    """Who does not wait for the server is left with nothing running."""
    with demo(tmp_path) as begun:
        begun.await_that(lambda: bool(children(begun.process.pid)))
        processes = children(begun.process.pid)
        os.killpg(begun.process.pid, signal.SIGINT)
        try:
            assert begun.process.wait(60) == 0
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on, beside {processes}:\n{begun.said}")
        assert _gone(processes)
        assert not [*begun.temporary.iterdir()]
