"""Runs a job from the shell: progress, signals, and the choice between Prefect and none."""

from __future__ import annotations

import asyncio
import gc
import tomllib
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.job import Job
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts
from flows.phrase import sent_and_rejects
from flows.run import run_job
from flows.selection import EVERYTHING, Selection
from flows.stop import stoppable
from flows.summary import Summary
from flows.watch import Watch


def prefect_is_configured(environment: Mapping[str, str]) -> bool:
    """Whether a Prefect API is named by environment or profile; reads the profile without loading Prefect."""
    if environment.get("PREFECT_API_URL"):
        return True
    home = Path(environment.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(environment.get("PREFECT_PROFILES_PATH", home / "profiles.toml"))
    try:
        text = tomllib.loads(profiles.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return False
    active = environment.get("PREFECT_PROFILE") or text.get("active", "")
    return bool(text.get("profiles", {}).get(active, {}).get("PREFECT_API_URL"))


def run_in_process(
    job: Job, ledger: Ledger, console: Console, watch: Watch | None = None, *, selection: Selection = EVERYTHING
) -> Summary:
    """Run a job here and now, with progress on the console; Ctrl-C settles what is in flight and ends the run."""
    return watch_in_process(job, console, lambda seen: run_job(job, ledger, seen, selection=selection), watch)


def watch_in_process(
    job: Job, console: Console, work: Callable[[Watch], Coroutine[Any, Any, Summary]], watch: Watch | None = None
) -> Summary:
    """Do what is a run of a job here and now, with progress on the console; Ctrl-C lets it settle what is in flight."""
    watch = watch or Watch()
    with _progress(console, job.job) as progress:
        task = progress.add_task(job.job, total=None, detail="")

        def show(_number: int, counts: Counts) -> None:
            progress.update(task, completed=counts.extracted, detail=sent_and_rejects(counts))

        gc.freeze()  # what is imported by now stays: the collector need not look through it page after page
        watch.on_page = show
        watch.on_notice = lambda text: progress.console.print(text, style="dim")
        return asyncio.run(stoppable(work(watch), watch))


def _progress(console: Console, name: str) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn(f"[bold]{name}[/bold]"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def run_with_prefect(job: Job, console: Console, selection: Selection = EVERYTHING) -> Summary | None:
    """Run a job as a Prefect flow run; None where Prefect did not come so far as to begin it."""
    from flows.sync import run_flow

    return run_flow(job.path, console, selection)
