"""Calls the command line as a shell does, in this process or in one of its own, and keeps what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import flows.cli
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.canary import EMAILS, TARGET_PASSWORD, keep

PASSWORD = TARGET_PASSWORD
LOGIN = ["POST /j_spring_security_check", "GET /login/ajaxSuccess"]

JOB = """\
job: crm
source:
  kind: csv
  path: customers.csv
  key: no
target:
  kind: valomnia
  base_url: ${URL}
  username: sandbox
  password: ${PASSWORD}
fields:
  reference: no
  name: {from: company, convert: strip}
  email: {from: mail, convert: email}
page_size: 2
"""

CUSTOMERS = f"""\
no,company,mail
C-1,Alpha,{EMAILS[0]}
C-2,Beta,{EMAILS[1]}
C-3,Gamma,{EMAILS[2]}
"""

# One customer without a name, so that a run completes with a reject.
WITH_REJECT = CUSTOMERS + f"C-4,,{EMAILS[3]}\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object that it must be."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        assert self.out.count("\n") == 1, "one object, on one line"
        return value


@dataclass(slots=True)
class Shell:
    """Calls `rollcall` in this process, with an environment of its own."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Said:
        """Call `rollcall` with these arguments."""
        self.monkeypatch.setattr(sys, "argv", ["rollcall", *map(str, arguments)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            flows.cli.main()
        out, err = self.capsys.readouterr()
        keep(out, err)
        assert isinstance(end.value.code, int)
        return Said(end.value.code, out, err)


@dataclass(slots=True)
class Place:
    """A folder with a job and its customers, and the sandbox that they go into."""

    folder: Path
    app: SandboxApp
    url: str
    job: Path = field(init=False)

    def __post_init__(self) -> None:
        self.job = self.folder / "job.yaml"
        self.job.write_text(JOB, encoding="utf-8")
        self.write_customers(CUSTOMERS)

    def write_customers(self, text: str) -> None:
        """Write the source file anew."""
        (self.folder / "customers.csv").write_text(text, encoding="utf-8")

    def change_job(self, old: str, new: str) -> None:
        """Replace a text of the job file that must be there."""
        text = self.job.read_text(encoding="utf-8")
        assert old in text
        self.job.write_text(text.replace(old, new), encoding="utf-8")

    @property
    def files(self) -> set[str]:
        """The names of everything in the folder."""
        return {path.name for path in self.folder.iterdir()}

    @property
    def requests(self) -> list[str]:
        """Method and path of every request that the sandbox got."""
        return [f"{entry.method} {entry.path}" for entry in self.app.journal.entries]


def complaint(place: Place, rollcall: Shell, *arguments: object) -> str:
    """Call a command that must refuse its job, prove that nothing was touched, and give the message."""
    before = place.files
    said = rollcall(*arguments)
    assert said.code == 2, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert place.requests == []
    assert place.files == before, "a wrong job must leave no ledger, key or lock"
    return said.err


@contextmanager
def open_sandbox() -> Iterator[tuple[SandboxApp, str]]:
    """Serve a sandbox that takes PASSWORD; stopping one takes a fifth of a second, so that tests share it."""
    app = valomnia_app(ValomniaSettings(password=PASSWORD))
    with running(app) as url:
        yield app, url


def environment_of(place: Place, home: Path) -> dict[str, str]:
    """Give the variables that a job of the place refers to, with no Prefect in reach."""
    return {"URL": place.url, "PASSWORD": PASSWORD, "PREFECT_HOME": str(home), "DO_NOT_TRACK": "1"}


def start_python(code: str, *arguments: object, environment: Mapping[str, str], cwd: Path) -> Said:
    """Run Python code in a process of its own, with these variables beside ours and no ledger or Prefect set."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ROLLCALL_"))}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        # Without plugins: pandera loads hypothesis where it is installed, and trio's plugin for it warns.
        env={**ours, "PYTHONPATH": path, "HYPOTHESIS_NO_PLUGINS": "1", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    keep(ended.stdout, ended.stderr)
    return Said(ended.returncode, ended.stdout, ended.stderr)
