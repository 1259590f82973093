"""Fifty incremental runs while others change the source: at the end the target holds what the source holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from flows.summary import ExitCode
from tests.flows import writer
from tests.flows.outside import Onlooker, Shell, sandbox_process
from tests.server import Database

ROOT = Path(__file__).parents[2]
RUNS = 50

JOB = """\
job: changing
source:
  kind: database
  url: ${SOURCE_URL}
  table: customers
  key: id
  updated_at: updated_at
  overlap: 5s
  ZONE
target:
  kind: valomnia
  base_url: ${TARGET_URL}
  username: sandbox
  password: sandbox
fields:
  reference: no
  name: name
  billingCity: city
page_size: 400
"""


@contextmanager
def changing(*arguments: str) -> Iterator[Callable[[], int]]:
    """Let a process change the source; the function that is yielded stops it and tells how many versions it wrote."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        out = process.stdout

        def stop() -> int:
            process.stdin.close()  # type: ignore[union-attr]  # asserted above
            return int(out.readline())

        try:
            assert out.readline() == "ready\n"
            yield stop
        finally:
            process.kill()


def held(database: Database) -> dict[str, tuple[str, str]]:
    """Read the source as it is, with a plain SELECT."""
    with database.engine.connect() as connection:
        return {
            row.no: (row.name, row.city) for row in connection.execute(text("SELECT no, name, city FROM customers"))
        }


def test_fifty_runs_while_a_writer_changes_a_database(database: Database, tmp_path: Path) -> None:
    """E01 to E06: thousands of equal times, commits that become visible late, records that move while they are read."""
    engine = writer.connect(database.url)
    writer.fill(engine)
    engine.dispose()
    job = tmp_path / "job.yaml"
    job.write_text(JOB.replace("ZONE", "" if database.kind == "postgresql" else "time_zone: UTC"))
    with sandbox_process({}) as target_url, Onlooker(target_url) as onlooker:
        shell = Shell(job, tmp_path, {"SOURCE_URL": database.url, "TARGET_URL": target_url})
        with changing("tests.flows.writer", database.url) as stop:
            moved = [shell.run(0) for _ in range(RUNS)]
            versions = stop()
        moved.append(shell.run(0))
        assert versions > 400, "the writer did too little for this test to prove anything"
        assert sum(run["extracted"] for run in moved[1:]) > versions / 4
        source, target = held(database), onlooker.customers()
        arrived = {no: (target[no]["name"], target[no]["billingCity"]) for no in source if no in target}
        assert arrived == source
        sent = sum(run["requests"] for run in moved)
        assert sent <= versions + writer.FIRST, "a version was sent more than once"
        assert shell.run(0)["requests"] == 0


@pytest.mark.parametrize("customers", [1500])
def test_fifty_runs_while_a_writer_changes_valomnia(tmp_path: Path, customers: int) -> None:
    """E05, E06: customers that are updated, created and deleted while their list is paged through.

    One that is deleted and created again while it is read comes twice, under two keys of the source: the second is
    `not_unique` until it is tried again.
    """
    job = tmp_path / "job.yaml"
    source = "source:\n  kind: valomnia\n  base_url: ${SOURCE_URL}\n  username: sandbox\n  password: sandbox\n"
    text_ = JOB[: JOB.index("source:")] + source + "  overlap: 3s\n" + JOB[JOB.index("target:") :]
    job.write_text(text_.replace("reference: no", "reference: reference").replace("city", "billingCity"))
    with (
        sandbox_process({}) as source_url,
        sandbox_process({}) as target_url,
        Onlooker(source_url) as source_side,
        Onlooker(target_url) as onlooker,
    ):
        shell = Shell(job, tmp_path, {"SOURCE_URL": source_url, "TARGET_URL": target_url})
        with changing("tests.flows.api_writer", source_url, str(customers)) as stop:
            ends = [shell.run(None)["exit_code"] for _ in range(RUNS)]
            versions = stop()
        ends.append(shell.run(None)["exit_code"])
        assert set(ends) <= {ExitCode.DONE, ExitCode.REJECTS}
        shell.rejects(tmp_path / "rejects.csv")
        rejects = pd.read_csv(tmp_path / "rejects.csv")
        assert set(rejects["code"]) <= {"not_unique"}
        shell.replay(0)
        assert versions > customers
        expected = {no: (each["name"], each["billingCity"]) for no, each in source_side.customers().items()}
        target = onlooker.customers()
        assert {no: (target[no]["name"], target[no]["billingCity"]) for no in expected if no in target} == expected
        assert shell.run(0)["requests"] == 0
