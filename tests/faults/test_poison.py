"""L24: a record on which the process dies is found, kept away from, and costs no other record anything."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows.ledger.history import History
from flows.run import now
from tests.state import open_own, own_state

pytestmark = pytest.mark.kill

CONVERTERS = """\
import os
import signal

from mappings.converter import converter


@converter
def deadly(value: str) -> str:
    \"\"\"Die of one value.

    Examples::

        "fine" -> "fine"
    \"\"\"
    if value == "poison":
        os.kill(os.getpid(), signal.SIGKILL)
    return value
"""
JOB = """\
job: poisoned
source: {kind: csv, path: customers.csv, key: no}
target: {kind: valomnia, base_url: "${URL}", username: sandbox, password: sandbox}
converters: [deadly_converters]
fields:
  reference: no
  name: {from: name, convert: deadly}
page_size: 50
"""
ROOT = Path(__file__).parents[2]


def write_customers(folder: Path, poisonous: set[int]) -> None:
    """Write 300 customers, some of them deadly."""
    with (folder / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["no", "name"])
        writer.writerows((f"C-{n}", "poison" if n in poisonous else f"Name {n}") for n in range(300))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Set up the job over a sandbox."""
    (tmp_path / "deadly_converters.py").write_text(CONVERTERS, encoding="utf-8")
    (tmp_path / "job.yaml").write_text(JOB, encoding="utf-8")
    return tmp_path


def run(folder: Path, url: str) -> int:
    """Run the job in a process of its own; gives how it ended."""
    state = own_state(folder)
    environment = {**os.environ, "URL": url, "PYTHONPATH": str(ROOT), "ROLLCALL_STATE": state.url, **state.environment}
    command = [
        sys.executable,
        "-c",
        "from flows.cli import main; main()",
        "run",
        str(folder / "job.yaml"),
        "--no-prefect",
    ]
    return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120).returncode


def test_l24_a_record_that_kills_the_process_is_quarantined(folder: Path) -> None:
    """After three crashes the fourth run finds both deadly records, sends all others, and none is tried again."""
    write_customers(folder, {120, 121})
    app = valomnia_app()
    with running(app) as url:
        ends = [run(folder, url) for _ in range(4)]
        assert ends == [-signal.SIGKILL] * 3 + [3]
        assert len(app.vendor.customers(url)) == 298
        assert run(folder, url) == 3, "the next run keeps away from them as well"
        write_customers(folder, {121})
        assert run(folder, url) == 3, "one was mended: it is tried out, and sent"
        assert len(app.vendor.customers(url)) == 299
        write_customers(folder, set())
        assert run(folder, url) == 0
        assert len(app.vendor.customers(url)) == 300
    entries = History(open_own(own_state(folder), now)).rejects("poisoned", 4)
    assert [(entry.source_key, entry.findings[0].code) for entry in entries] == [
        ("C-120", "poison"),
        ("C-121", "poison"),
    ]
