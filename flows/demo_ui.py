"""The demo to be looked at in Prefect: a server of its own, a job that runs every minute, and nothing that stays."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from rich.console import Console

from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows import report
from flows.deployment.api import ApiError
from flows.ledger.history import History
from flows.ledger.inspection import open_to_read
from flows.ledger.ledger import Ledger
from flows.run import now
from flows.sample import SCHEDULE, correct_sample, refuse_foreign, write_sample
from flows.state import KEY, STATE

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_START_SECONDS = 180
_END_SECONDS = 10
_AGAIN_SECONDS = 1
_LOOK_SECONDS = 1.0


def show_demo_ui(folder: Path | None) -> None:
    """Run the demo's job under a Prefect server on this machine, then every minute, until Ctrl-C or SIGTERM.

    A folder that is named keeps job, customers, ledger and its key; all else is removed. Raises ApiError where the
    server does not start, and JobError where the folder holds what is not the demo's.
    """
    out = report.console()
    home = Path(tempfile.mkdtemp(prefix="rollcall-demo-"))
    place = home / "job" if folder is None else folder
    with _ending_in_order(home):
        refuse_foreign(place)
        try:
            with running(valomnia_app(ValomniaSettings())) as base_url, _prefect(home, out) as address:
                _set_up(place, home, base_url, address)
                _show(place, address, out)
        except KeyboardInterrupt:
            pass
        kept = "" if folder is None else f"; job, customers and ledger are in {folder}"
        out.print(f"\nEnded. Nothing is left running{kept}.", soft_wrap=True, highlight=False)


@contextmanager
def _ending_in_order(home: Path) -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, and remove the folder however the block ends."""
    before = {number: signal.signal(number, _interrupt) for number in (*_SIGNALS, signal.SIGALRM)}
    usual, tempfile.tempdir = tempfile.tempdir, str(home)  # what others put into a temporary folder goes with us
    try:
        yield
    finally:
        _ignore_signals()
        tempfile.tempdir = usual
        shutil.rmtree(home, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    """Interrupt whatever is done, and again each second until the end begins.

    What is raised while Python clears something away (a weak reference, an object) is lost.
    """
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    """Let nobody who is impatient stop us from clearing up."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _set_up(place: Path, home: Path, base_url: str, address: str) -> None:
    """Write the job, and let this process and those of its runs see this demo's world alone."""
    write_sample(place, SCHEDULE)
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "ROLLCALL_"))]:
        del os.environ[name]
    os.environ.update(
        DEMO_URL=base_url,
        DEMO_PASSWORD="sandbox",  # noqa: S106 - the sandbox's
        **_ledger(place.resolve() / "rollcall.db"),
        PREFECT_API_URL=f"{address}/api",
        PREFECT_UI_URL=address,
        **_own_world(home),
    )


def _ledger(path: Path) -> dict[str, str]:
    """Make the ledger with its key in a file beside it, so that it can be read on; give both to the runs."""
    Ledger.open(f"sqlite:///{path}", {}, now).close()
    return {STATE: f"sqlite:///{path}", KEY: path.with_suffix(".key").read_text(encoding="ascii").strip()}


def _show(place: Path, address: str, out: Console) -> None:
    """Run once, correct some customers, and serve the job every minute."""
    # Prefect reads its settings when it is first imported: they are those of this demo now.
    from flows.deployment.order import Wish, place_order
    from flows.deployment.serve import serve
    from flows.selection import EVERYTHING
    from flows.sync import run_flow

    job = place / "job.yaml"
    out.rule("[bold]1. First run: twelve customers, six of them with something wrong")
    summary = run_flow(job, report.console(stderr=True), EVERYTHING)
    if summary is None:
        raise ApiError("the Prefect server did not begin the run")
    out.print(report.summary(summary))
    correct_sample(place)
    out.rule("[bold]2. Two customers corrected, one moved: the next run sends these three")
    for line in (
        f"The job runs again now, and then every minute. Look at it: [bold cyan]{address}[/bold cyan]",
        f"  the runs:        [cyan]{address}/runs[/cyan]",
        f"  the deployments: [cyan]{address}/deployments[/cyan]",
        f"  the customers:   [cyan]{place / 'customers.csv'}[/cyan] (change one, and see what becomes of it)",
        "Ctrl-C ends it. What the runs do, as the ledger has it:",
    ):
        out.print(line, soft_wrap=True, highlight=False)
    with _telling(os.environ[STATE], out):
        serve(place_order(job, Wish(), os.environ), at_once=True)


@contextmanager
def _telling(ledger: str, out: Console) -> Iterator[None]:
    """Print a line for each run that ends, from the ledger, until the end of the block."""
    ended = threading.Event()

    def tell() -> None:
        known = {run["run_id"] for run in _ended_runs(ledger)}
        while not ended.wait(_LOOK_SECONDS):
            for run in reversed(_ended_runs(ledger)):
                if run["run_id"] not in known:
                    known.add(run["run_id"])
                    out.print(_line(run), highlight=False, soft_wrap=True)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _ended_runs(ledger: str) -> list[dict[str, Any]]:
    reader = open_to_read(ledger)
    try:
        return [run for run in History(reader).runs(limit=5) if run["status"] != "running"]
    finally:
        reader.close()


def _line(run: dict[str, Any]) -> str:
    """Say what a run did, as `12:05:01 run 2: completed; 3 sent, 5 unchanged, 1 filtered, 3 rejects`."""
    moment = datetime.fromisoformat(run["started_at"]).astimezone()
    sent, rejects = run["created"] + run["updated"], run["invalid"] + run["rejected"]
    figures = f"{sent} sent, {run['unchanged']} unchanged, {run['filtered']} filtered, rejects: {rejects}"
    return f"  {moment:%H:%M:%S} run {run['run_id']} {run['status']}: {figures}"


def _own_world(home: Path) -> dict[str, str]:
    return {
        "TMPDIR": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_PROFILES_PATH": str(home / "prefect" / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",  # seconds; ten otherwise
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",  # the runs' lines go to the UI, not into this shell
    }


@contextmanager
def _prefect(home: Path, out: Console) -> Iterator[str]:
    """Serve Prefect with its UI on 127.0.0.1 until the end of the block; gives its address."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    (home / "prefect").mkdir(mode=0o700, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        (home / "server.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603 - ourselves
            command,
            env={
                **kept,
                **_own_world(home),
                "PREFECT_UI_API_URL": f"{address}/api",
                "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # it would write its pages beside its code
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us alone: we end it after the last run
        ) as server,
    ):
        try:
            with out.status("Starting a Prefect server (some ten seconds)..."):
                _await_health(server, f"{address}/api/health", home / "server.log")
            yield address
        finally:
            _ignore_signals()
            _end(server)


def _await_health(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    opener = build_opener(ProxyHandler({}))  # whatever proxy the environment names, this is our own machine
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with opener.open(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    ended = f"ended with {server.returncode}" if server.poll() is not None else f"was silent for {_START_SECONDS} s"
    raise ApiError(f"the Prefect server did not start: it {ended} ({last}). `prefect server start` shows more")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the server and whatever it has started, by the group that it leads."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(_END_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
