"""Sees a run from outside: commands by their exit code and output, customers and requests as the sandbox shows them.

Uses nothing of the pipeline but the command line's entry.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from typer.testing import CliRunner

from flows.cli import app

_CUSTOMERS = "/api/v2.1/customers"
_LOGIN = {"j_username": "sandbox", "j_password": "sandbox", "ajax": "true"}
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Shell:
    """Gives `rollcall` commands for one job with one ledger, in this process and without Prefect."""

    job: Path
    folder: Path
    environment: Mapping[str, str]

    def run(self, expected_exit: int | None, *options: str) -> dict[str, Any]:
        """Run the job, and return what `--json` prints; an end of None may be any, and is in what is returned."""
        summary = json.loads(self._command("run", "--no-prefect", "--json", *options, expected_exit=expected_exit))
        assert isinstance(summary, dict)
        return summary

    def why(self, reference: str) -> dict[str, Any]:
        """Ask for one customer's story."""
        story = json.loads(self._command("why", reference, "--json"))
        assert isinstance(story, dict)
        return story

    def rejects(self, file: Path) -> None:
        """Write the open rejects to a CSV file."""
        self._command("rejects", "--csv", str(file))

    def replay(self, expected_exit: int) -> dict[str, Any]:
        """Read the rejected and deferred customers again, and return what `--json` prints."""
        summary = json.loads(self._command("replay", "--no-prefect", "--json", expected_exit=expected_exit))
        assert isinstance(summary, dict)
        return summary

    def _command(self, name: str, *arguments: str, expected_exit: int | None = 0) -> str:
        environment = {
            **self.environment,
            "ROLLCALL_STATE": f"sqlite:///{self.folder / 'ledger.db'}",
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": None,
            "ROLLCALL_KEY": None,
        }
        result = CliRunner().invoke(app, [name, str(self.job), *arguments], env=environment, catch_exceptions=False)
        assert expected_exit in {None, result.exit_code}, result.output
        return result.stdout


class Onlooker:
    """A client of its own: reads what a sandbox holds, over the vendor's API, and what it was asked, in its journal."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.Client(base_url=base_url, trust_env=False, follow_redirects=True, timeout=60)

    def __enter__(self) -> Self:
        self._client.post("/j_spring_security_check", data=_LOGIN).raise_for_status()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def customers(self) -> dict[str, dict[str, Any]]:
        """List all customers by reference; no reference may come twice."""
        shown: list[dict[str, Any]] = []
        while True:
            query: dict[str, str | int] = {"max": _PAGE, "offset": len(shown), "sort": "id"}
            answer = self._client.get(_CUSTOMERS, params=query).raise_for_status().json()
            shown += answer["data"]
            if not answer["data"] or len(shown) >= answer["paging"]["total"]:
                break
        by_reference = {customer["reference"]: customer for customer in shown}
        assert len(by_reference) == len(shown)
        return by_reference

    def upsert(self, reference: str, **fields: str) -> None:
        """Write a customer as somebody else would."""
        self._client.post(f"{_CUSTOMERS}/reference/{reference}", data=fields).raise_for_status()

    def last_entry(self) -> int:
        """Tell how many requests the sandbox has had so far."""
        return int(self._client.get("/sandbox/status").raise_for_status().json()["requests"])

    def requests(self, after: int = 0) -> list[str]:
        """List requests about customers after an entry of the journal, as `POST C-1`, in order."""
        entries = self._client.get("/sandbox/journal", params={"after": after}).raise_for_status().json()
        return [f"{entry['method']} {entry['reference']}" for entry in entries if "/customers" in entry["path"]]


@contextlib.contextmanager
def sandbox_process(faults: Mapping[str, object]) -> Iterator[str]:
    """Serve a Valomnia sandbox from a process of its own, so that it does not share our core; yields its base URL."""
    command: Sequence[str] = [sys.executable, "-m", "connectors.sandbox", "valomnia", "--faults", json.dumps(faults)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            assert base_url, "the sandbox did not start"
            yield base_url
        finally:
            process.terminate()
