"""The guide to operating with Prefect: each of its commands is run, in its order, against real servers."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from connectors.sandbox.fault import Faults
from flows.display.state import state_of, state_of_failure
from flows.ledger.lease import LeaseHeldError
from flows.ledger.record import Counts
from flows.summary import ExitCode, Summary
from tests.docs.page import OPERATING, blocks, named_blocks, table
from tests.docs.session import Session
from tests.flows.display.server import free_port, quiet
from tests.kill.process import SandboxProcess, sandbox_process
from tests.server import Database

CUSTOMERS = "customer_no,company\n" + "".join(f"C-{number},Firm {number}\n" for number in range(25))
SERVER, WORKER = "prefect server start", "prefect worker start --pool rollcall"
SERVE = "rollcall deploy crm.yaml --serve"
PROGRAMS = ("bash", "createdb", "dropdb", "pg_dump", "pg_restore")
# `sqlite3 FILE STATEMENT`, for a machine without the program.
SQLITE3 = f"""#!{sys.executable}
import sqlite3, sys
sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxProcess]:
    """Serve the target that the guide's jobs write to."""
    with sandbox_process(tmp_path, Faults()) as served:
        yield served


@pytest.fixture
def session(tmp_path: Path, sandbox: SandboxProcess, postgresql: Database) -> Iterator[Session]:
    """Open a shell in a folder with the guide's files, before an empty PostgreSQL server and no Prefect."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)}"
        (pytest.fail if os.environ.get("ROLLCALL_TEST_SERVERS") == "required" else pytest.skip)(reason)
    address, port = make_url(postgresql.url), free_port()
    own = {"rollcall_ledger": f"{address.database}_l", "prefect_server": f"{address.database}_p"}
    replaced = {
        **own,
        "postgres@127.0.0.1:5432": f"{address.username}@{address.host}:{address.port or 5432}",
        "https://acme.valomnia.com": sandbox.base_url,
        "127.0.0.1:4200": f"127.0.0.1:{port}",
    }
    folder = tmp_path / "place"
    folder.mkdir()
    opened = Session(folder, _environment(folder, port), replaced)
    opened.environment |= {"PGHOST": str(address.host), "PGPORT": str(address.port or 5432)}
    opened.environment |= {"PGUSER": str(address.username)}
    _write_files(opened)
    try:
        yield opened
    finally:
        opened.end()
        for name in own.values():
            subprocess.run(["dropdb", "--if-exists", "--force", name], env=opened.environment, check=False)


def _environment(folder: Path, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    programs = folder / "bin"
    programs.mkdir()
    if shutil.which("sqlite3") is None:
        (programs / "sqlite3").write_text(SQLITE3, encoding="utf-8")
        (programs / "sqlite3").chmod(0o755)
    return {
        **kept,
        **quiet(folder / "prefect"),
        "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"])),
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_UI_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",  # ten otherwise
        "VALOMNIA_PASSWORD": "sandbox",
        "ERP_URL": f"sqlite:///{folder / 'erp.db'}",
    }


def _write_files(session: Session) -> None:
    for name, text in named_blocks(OPERATING).items():
        (session.folder / name).write_text(session.read(text), encoding="utf-8")
    (session.folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    with closing(sqlite3.connect(session.folder / "erp.db")) as erp, erp:
        erp.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, customer_no TEXT, company TEXT)")
        rows = [(number, f"E-{number}", f"Trader {number}") for number in range(1, 41)]
        erp.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)


@pytest.mark.prefect
@pytest.mark.kill
def test_every_command_of_the_guide(session: Session, sandbox: SandboxProcess) -> None:
    """Typed in their order the commands bring a scheduled job from nothing, migrate, back up, restore and upgrade."""
    for block in blocks("sh", OPERATING):
        *before, last = block.text.strip().splitlines()
        if last == SERVER:
            session.call("\n".join(before))
            _start_server(session)
        elif last == WORKER:
            worker = session.start(WORKER)
            worker.await_that(lambda: "started!" in worker.said)  # noqa: B023 - called in this very turn
        elif last == SERVE:
            serving = session.start(SERVE)
            serving.await_that(lambda: serving.minds(signal.SIGTERM))  # noqa: B023 - the same
            time.sleep(3)  # its handler of Ctrl-C comes a moment after that of SIGTERM
            assert serving.interrupt() == 0, serving.said
        else:
            session.call(block.text)
    references = sorted(str(customer["reference"]) for customer in sandbox.customers())
    assert references == sorted([f"C-{n}" for n in range(25)] + [f"E-{n}" for n in range(1, 41)])
    assert (session.folder / "differences.csv").read_text(encoding="utf-8").count("\n") == 1, "its header alone"
    assert (session.folder / "ledger.dump").stat().st_size > 1000


def _start_server(session: Session) -> None:
    server = session.start(SERVER)
    address = session.environment.get("PREFECT_API_URL") or session.read("http://127.0.0.1:4200/api")
    server.await_that(lambda: _answers(f"{address}/health"))


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=5).is_success
    except httpx.HTTPError:
        return False


STATES = ("state", "means", "exit code in a shell")


def test_the_guide_names_every_state_with_its_exit_code() -> None:
    """The table of states has each that a run of ours ends in, with the exit code of a shell."""
    documented = {(code, name.strip("`")) for name, _, code in table(OPERATING, *STATES) if code}
    assert documented == {(str(int(code)), _state_name(code)) for code in ExitCode}


def _state_name(code: ExitCode) -> str | None:
    if code is ExitCode.HELD:
        return state_of_failure(LeaseHeldError()).name
    rejects = 12 if code is ExitCode.REJECTS else 0
    name = state_of(Summary("1", "crm", "completed", Counts(rejected=rejects), 0, 0, 1.0, code)).name
    return name.replace("12", "N") if name else None
