"""Writes what a run leaves in Prefect for people: its summary and its rejects; counts, codes and moments alone."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from connectors.moment import read_moment
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts
from flows.phrase import OUTCOMES, counted
from flows.report import headline, reject_groups
from flows.summary import Summary
from mappings.system import System

_MINUTE = 60


def summary_text(summary: Summary) -> str:
    """Write a run's summary as markdown."""
    counts = summary.counts
    outcomes = [f"| {name} | {getattr(counts, name):,} |" for name in OUTCOMES]
    left = [f"| {name} | {count:,} |" for name in ("deactivated", "deleted") if (count := getattr(summary, name))]
    return "\n".join(
        [
            f"# {_plain(summary.job)}: {'dry run: ' if summary.dry_run else ''}{_plain(headline(summary))}",
            "",
            "| outcome | customers |",
            "|---|---:|",
            *outcomes,
            f"| **extracted** | **{counts.extracted:,}** |",
            *left,
            "",
            "| run | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in _figures(summary)),
            *_compared(summary),
        ]
    )


def progress_text(job: str, run: int, counts: Counts, seconds: float, ended: str | None = None) -> str:
    """Write how far a run has come, where nobody can say what share of the whole that is; or that it has ended."""
    so_far = "so far" if ended is None else f"({ended})"
    outcomes = [f"| {name} | {count:,} |" for name in OUTCOMES if (count := getattr(counts, name))]
    return "\n".join(
        [
            f"# {_plain(job)}: {counted(counts.extracted, 'customer')} {so_far}",
            "",
            "| outcome | customers |",
            "|---|---:|",
            *outcomes,
            "",
            f"Run {run}, {duration_text(seconds)}, {rate(counts, seconds):,.0f} customers/s.",
        ]
    )


def reject_rows(ledger: Ledger, summary: Summary, system: System) -> list[dict[str, Any]]:
    """List a run's rejects by code and field, with advice and cause; Prefect's table wraps nothing, so advice first."""
    groups = reject_groups(History(ledger).rejects(summary.job, int(summary.run_id)), system)
    return [{name: row[name] for name in ("count", "code", "field", "advice", "cause")} for row in groups]


def rate(counts: Counts, seconds: float) -> float:
    """Give the customers per second."""
    return counts.extracted / seconds if seconds else 0.0


def duration_text(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _figures(summary: Summary) -> list[tuple[str, str]]:
    slowest = summary.slowest_page
    resumed = f", takes over from run {summary.resumes_run_id}" if summary.resumes_run_id else ""
    figures = [
        ("number", f"{'none: a dry run' if summary.dry_run else summary.run_id}{resumed}"),
        ("status", summary.status),
        ("duration", duration_text(summary.seconds)),
        ("rate", f"{rate(summary.counts, summary.seconds):,.0f} customers/s"),
        ("requests", f"{summary.requests:,}"),
        ("retries", f"{summary.retries:,}"),
        ("pages", f"{summary.pages:,}"),
    ]
    if summary.unfinished:
        them = "it" if summary.unfinished == 1 else "them"
        figures.append(("pages unfinished", f"{summary.unfinished:,}; the next run reads {them} again"))
    if slowest:
        records = counted(slowest.records, "record")
        figures.append(("slowest page", f"{slowest.page}: {records} in {slowest.seconds:.1f} s"))
    marks = _moment(summary.watermark_before), _moment(summary.watermark_after)
    if any(marks):
        figures += [("watermark before", marks[0] or "none"), ("watermark after", marks[1] or "none")]
    return figures


def _compared(summary: Summary) -> list[str]:
    """Write what the comparison of source and target came to, where a migration made one."""
    if summary.verification is None:
        return []
    counts = asdict(summary.verification).items()
    return ["", "| source and target compared | customers |", "|---|---:|", *(f"| {n} | {c:,} |" for n, c in counts)]


def _moment(mark: str | None) -> str | None:
    """Write a watermark for people; only one that is a moment, for anything else could be somebody's key."""
    if mark is None:
        return None
    try:
        moment: datetime = read_moment(mark)
    except ValueError:
        return None
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _plain(text: str) -> str:
    """Keep a text on one line and out of the markdown's way."""
    return " ".join(text.split()).replace("|", "\\|")
