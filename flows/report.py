"""Shows runs, rejects and stories to people, as tables and words; decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flows.ledger.history import Chapter, RejectEntry, Story
from flows.phrase import counted
from flows.summary import ExitCode, Summary
from mappings.system import System, explain

_OUTCOMES = {
    "created": ("green", "new at the target"),
    "updated": ("green", "changed at the target"),
    "unchanged": ("dim", "already as the target last confirmed; no request"),
    "filtered": ("dim", "left out by the job's filter"),
    "invalid": ("yellow", "stopped by us before sending"),
    "rejected": ("red", "refused by the target"),
    "deferred": ("cyan", "waiting for another customer"),
}
_STATUS_COLOURS = {"completed": "green", "failed": "red", "stopped": "yellow", "interrupted": "yellow"}


def summary(run: Summary) -> RenderableType:
    """Show what became of every record of a run."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("outcome")
    table.add_column("count", justify="right")
    table.add_column("meaning", style="dim")
    for name, (colour, meaning) in _OUTCOMES.items():
        count = getattr(run.counts, name)
        table.add_row(Text(name, colour if count else "dim"), f"{count:,}", meaning)
    table.add_row(Text("extracted", "bold"), Text(f"{run.counts.extracted:,}", "bold"), _balance(run))
    rate = run.counts.extracted / run.seconds if run.seconds else 0
    lines: list[RenderableType] = [
        Text.assemble(
            (f"{run.name} of ", "bold"),
            (run.job, "bold"),
            ": ",
            (run.status if run.message else headline(run), _STATUS_COLOURS.get(run.status, "")),  # said on stderr
        ),
        table,
        Text(
            f"{counted(run.requests, 'request')} ({counted(run.retries, 'retry')}) in {run.seconds:.1f} s,"
            f" {rate:,.0f} customers/s",
            "dim",
        ),
    ]
    if run.unfinished:
        begun, them = counted(run.unfinished, "page"), "it" if run.unfinished == 1 else "them"
        lines.append(Text(f"{begun} begun but not confirmed: the next run reads {them} again", "yellow"))
    if run.exit_code == ExitCode.REJECTS and not run.dry_run:
        lines.append(Text("see why with: rollcall rejects", "dim"))
    return Group(*lines)


def headline(run: Summary) -> str:
    """Say in one line how a run ended."""
    rejects = run.counts.invalid + run.counts.rejected
    if run.status == "completed":
        return f"completed with {counted(rejects, 'reject')}" if rejects else "completed, every customer accounted for"
    return f"{run.status}: {run.message}" if run.message else run.status


def _balance(run: Summary) -> str:
    return "= the sum of the above" if run.counts.balanced else "IS NOT the sum of the above"


def grouped(entries: Iterable[RejectEntry]) -> list[tuple[str, str, list[RejectEntry]]]:
    """Group rejects by code and field, the most frequent first; one with several findings stands in several groups."""
    groups: dict[tuple[str, str], list[RejectEntry]] = {}
    for entry in entries:
        for key in dict.fromkeys((finding.code, finding.field) for finding in entry.findings):
            groups.setdefault(key, []).append(entry)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [(code, field, members) for (code, field), members in ordered]


def reject_groups(entries: Sequence[RejectEntry], system: System) -> list[dict[str, Any]]:
    """Give the groups as plain rows: count, code, field, the words, cause, advice and some examples' places."""
    rows = []
    for code, field, members in grouped(entries):
        words = Counter(f.description for m in members for f in m.findings if (f.code, f.field) == (code, field))
        advice = explain(code, system)
        rows.append(
            {
                "count": len(members),
                "code": code,
                "field": field,
                "description": words.most_common(1)[0][0],
                "cause": advice.cause,
                "advice": advice.advice,
                "stages": sorted({member.stage for member in members}),
                "lines": [member.place for member in members if member.line is not None][:5],
            }
        )
    return rows


def rejects(entries: Sequence[RejectEntry], system: System) -> RenderableType:
    """Show rejects grouped by code and field, with cause and advice."""
    if not entries:
        return Text("no rejects: every customer met is at the target, or left out on purpose", "green")
    table = Table(show_lines=True, expand=False)
    table.add_column("count", justify="right", style="bold")
    table.add_column("code", style="red", overflow="fold")
    table.add_column("field", style="cyan", overflow="fold")
    table.add_column("why, and what to do")
    table.add_column("lines", style="dim")
    for row in reject_groups(entries, system):
        more = "..." if row["count"] > len(row["lines"]) and row["lines"] else ""
        why = Text.assemble((row["description"], ""), "\n", (row["cause"], "dim"), "\n", (row["advice"], "green"))
        table.add_row(
            f"{row['count']:,}", row["code"], row["field"] or "-", why, ", ".join(map(str, row["lines"])) + more
        )
    return Group(Text(f"{counted(len(entries), 'customer')} with rejects, by code and field", "bold"), table)


def runs(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """Show runs with their counts, newest first; the partitions of a migration stand indented beneath it."""
    if not rows:
        return Text("no run yet")
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("run", "job", "kind", "began", "status"):
        table.add_column(name, no_wrap=name != "job", overflow="fold")
    for name in ("extracted", "requests", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what became of them")
    for row in rows:
        table.add_row(
            row["run_id"] if row["partition"] is None else f"  {row['run_id']}",
            row["job"],
            row["kind"] if row["partition"] is None else f"partition {row['partition']}",
            row["started_at"][:16].replace("T", " "),
            Text(row["status"], _STATUS_COLOURS.get(row["status"], "")),
            f"{row['extracted'] or 0:,}",
            f"{row['requests'] or 0:,}",
            f"{row['seconds'] or 0:.1f}",
            _what_became(row),
        )
    return table


def _what_became(row: Mapping[str, Any]) -> Text:
    parts = [Text(f"{row[name]:,} {name}", colour) for name, (colour, _) in _OUTCOMES.items() if row[name]]
    if row["unfinished"]:
        parts.append(Text(f"{counted(row['unfinished'], 'page')} unfinished", "yellow"))
    return Text(", ").join(parts)


def story(told: Story, system: System) -> RenderableType:
    """Tell one customer's story in words."""
    lines: list[RenderableType] = [Text(told.reference, "bold")]
    if told.target_id:
        lines.append(Text(f"at the target under id {told.target_id}; in the source under key {told.source_key}"))
    else:
        lines.append(Text("not known to be at the target", "yellow"))
    if told.unanswered_since_run:
        lines.append(
            Text(f"run {told.unanswered_since_run} sent it and has no answer: the next run settles it", "yellow")
        )
    lines.extend(Text(_sentence(chapter)) for chapter in told.chapters)
    if told.runs_since:
        lines.append(Text(f"{counted(told.runs_since, 'later completed run')} decided nothing new for it", "dim"))
    if told.reject:
        lines.append(
            Text(
                f"open reject, met {counted(told.reject.tries, 'time')}; sent again after"
                f" {told.reject.due_at[:16]} or a change"
            )
        )
        for finding in told.reject.findings:
            advice = explain(finding.code, system)
            lines.append(Text.assemble(("  " + finding.code, "red"), f" {finding.field}: {finding.description}"))
            lines.append(Padding(Text(f"{advice.cause} {advice.advice}", "dim"), (0, 0, 0, 4)))
    return Group(*lines)


def _sentence(chapter: Chapter) -> str:
    words = f"run {chapter.run_id}, {chapter.decided_at[:19].replace('T', ' ')}: {chapter.outcome}"
    if chapter.code:
        words += f" ({chapter.code})"
    if chapter.tries:
        words += f", sent {counted(chapter.tries, 'time')}, answered {chapter.http_status or 'nothing'}"
    return words


def console(*, stderr: bool = False) -> Console:
    """Make the console that everything is shown on."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)
