"""Runs a real Prefect server as one process of its own, over a database of its own, to be asked, frozen and killed."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_START_SECONDS = 180
_BUSY_SECONDS = 60
_APP = "prefect.server.api.server:create_app"
_new_databases: list[bytes] = []  # the first server's, to begin the others with: a hundred migrations take seconds


@dataclass(slots=True)
class PrefectServer:
    """A server, where it listens and where its database is."""

    process: subprocess.Popen[bytes]
    home: Path
    api_url: str
    client: httpx.Client

    @property
    def database(self) -> Path:
        """The file of its database."""
        return self.home / "prefect.db"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a client of this server."""
        return quiet(self.home.parent / "client") | {"PREFECT_API_URL": self.api_url}

    def ask(self, method: str, path: str, **arguments: Any) -> Any:
        """Ask its API, and give what it answers; as its own client does, again where its database was busy (503)."""
        end = time.monotonic() + _BUSY_SECONDS
        while True:
            answer = self.client.request(method, f"{self.api_url}{path}", **arguments)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > end:
                break
            time.sleep(0.5)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def flow_runs(self, flow: str = "sync-customers") -> list[dict[str, Any]]:
        """List the flow runs of a flow, the latest first."""
        body = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC"}
        found: list[dict[str, Any]] = self.ask("POST", "/flow_runs/filter", json=body)
        return found

    def task_runs(self, flow_run: str) -> list[dict[str, Any]]:
        """List the task runs of a flow run in the order of their names."""
        body = {"flow_runs": {"id": {"any_": [flow_run]}}, "sort": "NAME_ASC"}
        found: list[dict[str, Any]] = self.ask("POST", "/task_runs/filter", json=body)
        return found

    def artifacts(self, flow_run: str) -> list[dict[str, Any]]:
        """List the artifacts of a flow run."""
        body = {"artifacts": {"flow_run_id": {"any_": [flow_run]}}}
        found: list[dict[str, Any]] = self.ask("POST", "/artifacts/filter", json=body)
        return found

    def logs(self, flow_run: str) -> list[str]:
        """List what a flow run has logged, in its order."""
        body = {"logs": {"flow_run_id": {"any_": [flow_run]}}, "sort": "TIMESTAMP_ASC"}
        return [line["message"] for line in self.ask("POST", "/logs/filter", json=body)]

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)


def quiet(home: Path) -> dict[str, str]:
    """Give the variables under which Prefect keeps to its folder and reports to nobody."""
    return {"PREFECT_HOME": str(home), "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


@contextmanager
def prefect_server(
    home: Path, settings: Mapping[str, str] | None = None, port: int = 0, *, ui: bool = False
) -> Iterator[PrefectServer]:
    """Serve until the end of the block, with the UI at the root where it is asked for; takes about ten seconds."""
    home.mkdir(parents=True, exist_ok=True)
    is_new = not (home / "prefect.db").exists()
    if is_new and _new_databases:
        (home / "prefect.db").write_bytes(_new_databases[0])
    port = port or free_port()
    shown = {
        "PREFECT_UI_ENABLED": str(ui).lower(),
        "PREFECT_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # it writes its pages before it serves them
    }
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-m", "uvicorn", "--factory", _APP, "--host", "127.0.0.1", "--port", str(port)]
    with (
        (home / "server.log").open("wb") as log,
        # One client, for each loads all certificates, which takes longer than the question; no connection is kept, for
        # the server closes those.
        httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)) as client,
        subprocess.Popen(
            [*command, "--log-level", "error"],
            env={**ours, **quiet(home), **shown, **(settings or {})},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        server = PrefectServer(process, home, f"http://127.0.0.1:{port}/api", client)
        try:
            _await_health(server)
            if is_new and not _new_databases:
                _new_databases.append(_content(server.database))
            yield server
        finally:
            process.kill()


def _content(database: Path) -> bytes:
    """Copy a database, with what is in its write-ahead log."""
    with closing(sqlite3.connect(database)) as stored, closing(sqlite3.connect(":memory:")) as copy:
        stored.backup(copy)
        return copy.serialize()


def _await_health(server: PrefectServer) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            server.ask("GET", "/health")
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("Prefect's server did not start")


def free_port() -> int:
    """Find a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
