"""Checks a job against the world without writing to any of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from connectors.protocol import ConfigurationError, ConnectorError
from flows.block import BlockReference, Blocks
from flows.connection import make_source, make_target
from flows.document import JobError, list_references
from flows.extraction import refuse_unfit
from flows.failure import explain_failure
from flows.job import Job, load_job
from flows.ledger.inspection import inspect_ledger
from flows.plan import Plan, compile_job, refuse_missing_columns
from flows.preparation import prepare
from flows.selection import EVERYTHING, Selection
from flows.state import find_ledger
from flows.summary import ExitCode


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    exit_code: ExitCode
    found: str

    def as_json(self) -> dict[str, object]:
        """Give the check as `--json` prints it."""
        return {"name": self.name, "ok": self.exit_code == ExitCode.DONE, "found": self.found}


def check_job(path: Path, state: str | None, environment: Mapping[str, str]) -> list[Check]:
    """Look at the job, its source and first page, its ledger and its target; a failed check does not stop the others.

    Raises JobError where the job file itself is wrong: then there is nothing else to look at.
    """
    blocks = Blocks()
    checks = _check_blocks(path, blocks)
    if any(check.exit_code != ExitCode.DONE for check in checks):
        return [*checks, Check("job", ExitCode.JOB, "cannot be read whole without its blocks")]
    job = load_job(path, environment, blocks)
    plan = compile_job(job, b"a check keeps no hash")
    place = find_ledger(job, state, environment)
    checks.append(Check("job", ExitCode.DONE, f"{job.job}: {len(plan.fields)} fields for {plan.system.label}"))
    checks.append(_checked("source", lambda: _read_first_page(plan)))
    checks.append(_checked("ledger", lambda: inspect_ledger(place.url, place.environment)))
    checks.append(_checked("target", lambda: asyncio.run(_log_in(plan))))
    return checks


def refuse_wrong_job(job: Job, selection: Selection = EVERYTHING) -> None:
    """Raise JobError or ConfigurationError where fields, converters, source or address are wrong; makes no ledger."""
    plan = compile_job(job, b"a check keeps no hash")
    make_target(plan)
    source = make_source(plan)
    try:
        refuse_unfit(selection, source)
        refuse_missing_columns(plan, source.open())
    except ConfigurationError:
        raise
    except ConnectorError:  # away, not wrong: the run meets it again and keeps it among its runs
        pass
    finally:
        source.close()


def show(checks: Sequence[Check]) -> RenderableType:
    """Show checks as a list of ticks and crosses."""
    lines = []
    for check in checks:
        mark = ("✓ ", "green") if check.exit_code == ExitCode.DONE else ("✗ ", "red")
        lines.append(Text.assemble(mark, (f"{check.name}: ", "bold"), check.found))
    return Group(*lines)


def _check_blocks(path: Path, blocks: Blocks) -> list[Check]:
    """Read each block that the job file refers to, and say which of its fields are there."""
    references = list_references(path).blocks
    return [
        _checked(f"block {name}", partial(_look_into, blocks, [each for each in references if each.block == name]))
        for name in sorted({each.block for each in references})
    ]


def _look_into(blocks: Blocks, references: Sequence[BlockReference]) -> str:
    wrong = []
    for reference in references:
        try:
            blocks.value(reference)
        except LookupError as error:
            wrong.append(str(error.args[0]))
    if wrong:
        raise JobError("; ".join(dict.fromkeys(wrong)))
    fields = [each.field for each in references if each.field]
    return f"found, {' and '.join(fields)} {'is' if len(fields) == 1 else 'are'} set" if fields else "found"


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, ExitCode.DONE, look())
    except (ConnectorError, JobError) as error:
        code, text = explain_failure(error)
        return Check(name, code, text)


def _read_first_page(plan: Plan) -> str:
    source = make_source(plan)
    try:
        columns = source.open()
        refuse_missing_columns(plan, columns)
        page = next(iter(source.pages(None, plan.job.page_size)), None)
        if page is None:
            return f"{len(columns)} columns, no record"
        prepared = prepare(1, page, plan, lambda _: {}, set())
    finally:
        source.close()
    return (
        f"{len(columns)} columns; of the first {page.counted:,} records {len(prepared.candidates):,} can be sent,"
        f" {len(prepared.findings):,} would be invalid, {len(prepared.filtered):,} are filtered"
    )


async def _log_in(plan: Plan) -> str:
    target, _ = make_target(plan)
    async with target:
        return f"{target.address} takes our credentials"
