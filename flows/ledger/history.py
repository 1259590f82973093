"""Answers the questions that people ask of a ledger; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Select, func, or_, select

from flows.ledger import tables
from mappings.finding import Finding


@dataclass(frozen=True, slots=True)
class RejectEntry:
    """A customer that is invalid or was rejected, with everything that is wrong with it."""

    run_id: str
    job: str
    reference: str | None
    source_key: str
    line: int | None
    stage: str
    outcome: str
    http_status: int | None
    tries: int
    due_at: str
    open: bool
    findings: tuple[Finding, ...]
    file: str | None = None

    @property
    def place(self) -> int | str | None:
        """Its line, and in which file that is where the source has several."""
        return f"{self.file}:{self.line}" if self.file else self.line


@dataclass(frozen=True, slots=True)
class Chapter:
    """One run's part in a customer's story."""

    run_id: str
    decided_at: str
    source_key: str
    outcome: str
    code: str | None
    http_status: int | None
    tries: int


@dataclass(frozen=True, slots=True)
class Story:
    """One customer's story: what is known of it now, and every run that decided something for it."""

    reference: str
    source_key: str | None
    outcome: str | None
    target_id: str | None
    last_run_id: str | None
    unanswered_since_run: str | None
    chapters: tuple[Chapter, ...]
    reject: RejectEntry | None
    runs_since: int  # completed runs after the last chapter: they found it unchanged, filtered or gone

    @property
    def known(self) -> bool:
        """Whether the ledger has ever met this reference."""
        return bool(self.chapters or self.target_id or self.reject or self.outcome)


class Readable(Protocol):
    """A ledger, as far as it is asked."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a transaction that only reads."""


class History:
    """Reads a ledger for people and programs; a migration is one run to them, however many partitions it has."""

    def __init__(self, ledger: Readable) -> None:
        self._ledger = ledger

    def runs(self, job: str | None = None, limit: int = 50, *, partitions: bool = False) -> list[dict[str, Any]]:
        """List the latest runs, newest first, with their counts as the ledger closed them.

        With `partitions`, those of a migration come after it, attempt by attempt; they are not counted in `limit`.
        """
        columns = tables.runs.c
        query = select(tables.runs).where(columns.migration.is_(None)).order_by(columns.run.desc()).limit(limit)
        if job is not None:
            query = query.where(columns.job == job)
        with self._ledger.reading() as connection:
            found = connection.execute(query).all()
            shown = {row.run: [row] for row in found}
            if partitions:
                parts = select(tables.runs).where(columns.migration.in_(shown))
                for row in connection.execute(parts.order_by(columns.partition, columns.run)):
                    shown[row.migration].append(row)
        return [_run(row._mapping) for rows in shown.values() for row in rows]  # noqa: SLF001 - SQLAlchemy's public name

    def rejects(self, job: str | None = None, run: int | None = None) -> list[RejectEntry]:
        """List open rejects, or with `run` those of that run, open or not, in the order of source and findings."""
        rejects, scopes, lines, runs = tables.rejects, tables.scopes, tables.lines, tables.runs.c
        query = _with_rejects()
        if job is not None:
            query = query.where(scopes.c.job == job)
        if run is None:
            query = query.where(rejects.c.closed_at.is_(None))
        else:
            family = select(runs.run).where(or_(runs.run == run, runs.migration == run))
            of_run = select(lines.c.source_key).where(
                lines.c.run.in_(family), lines.c.outcome.in_(("invalid", "rejected"))
            )
            of_job = select(runs.scope).where(runs.run == run).scalar_subquery()
            query = query.where(rejects.c.scope == of_job, rejects.c.source_key.in_(of_run))
        with self._ledger.reading() as connection:
            return _rejects(connection, query.order_by(rejects.c.file, rejects.c.line, rejects.c.source_key))

    def story(self, job: str, reference: str) -> Story:
        """Tell one customer's story by its reference."""
        with self._ledger.reading() as connection:
            return _story(connection, job, reference)


def _with_rejects() -> Select[Any]:
    """Select rejects with their jobs, and with the runs that people know."""
    rejects, scopes = tables.rejects, tables.scopes
    runs = tables.runs
    known = func.coalesce(runs.c.migration, rejects.c.run).label("known_run")
    return (
        select(rejects, scopes.c.job, known)
        .join(scopes, scopes.c.scope == rejects.c.scope)
        .outerjoin(runs, runs.c.run == rejects.c.run)
    )


def _run(row: Mapping[Any, Any]) -> dict[str, Any]:
    figures = dict(row)
    resumed = figures.pop("resumes_run_id")
    for ours in ("scope", "stop_asked"):
        figures.pop(ours)
    figures["whole"] = bool(figures["whole"])
    figures["migration"] = str(figures["migration"]) if figures["migration"] else None
    return {"run_id": str(figures.pop("run")), "resumes_run_id": str(resumed) if resumed else None, **figures}


def _rejects(connection: Connection, query: Select[Any]) -> list[RejectEntry]:
    rows = connection.execute(query).all()
    wanted = {(row.scope, row.source_key) for row in rows}
    found: dict[tuple[int, str], list[Finding]] = {}
    columns = tables.findings.c
    for scope in {scope for scope, _ in wanted}:
        every = connection.execute(select(tables.findings).where(columns.scope == scope).order_by(columns.number))
        for row in every:
            if (scope, row.source_key) in wanted:
                found.setdefault((scope, row.source_key), []).append(Finding(row.code, row.field, row.description))
    return [
        RejectEntry(
            run_id=str(row.known_run),
            job=row.job,
            reference=row.reference,
            source_key=row.source_key,
            line=row.line,
            stage=row.stage,
            outcome=row.outcome,
            http_status=row.http_status,
            tries=row.tries,
            due_at=row.due_at,
            open=row.closed_at is None,
            findings=tuple(found.get((row.scope, row.source_key), ())),
            file=row.file,
        )
        for row in rows
    ]


def _story(connection: Connection, job: str, reference: str) -> Story:
    lines, runs = tables.lines, tables.runs
    told = connection.execute(
        select(lines, func.coalesce(runs.c.migration, runs.c.run).label("known_run"))
        .join(runs, runs.c.run == lines.c.run)
        .where(runs.c.job == job, lines.c.reference == reference)
        .order_by(lines.c.run, lines.c.page, lines.c.position)
    ).all()
    scopes = select(tables.scopes.c.scope).where(tables.scopes.c.job == job)
    crosswalk, customers, intents, rejects = tables.crosswalk, tables.customers, tables.intents, tables.rejects
    crossing = connection.execute(
        select(crosswalk)
        .where(crosswalk.c.scope.in_(scopes), crosswalk.c.reference == reference)
        .order_by(crosswalk.c.run.desc())
    ).first()
    customer = None
    key = crossing.source_key if crossing else told[-1].source_key if told else None
    if key is not None:
        customer = connection.execute(
            select(customers)
            .where(customers.c.scope.in_(scopes), customers.c.source_key == key)
            .order_by(customers.c.run.desc())
        ).first()
    asked = select(func.coalesce(runs.c.migration, intents.c.run)).outerjoin(runs, runs.c.run == intents.c.run)
    unanswered = connection.execute(asked.where(intents.c.scope.in_(scopes), intents.c.reference == reference)).scalar()
    open_ones = _with_rejects().where(
        rejects.c.scope.in_(scopes), rejects.c.reference == reference, rejects.c.closed_at.is_(None)
    )
    rejected = _rejects(connection, open_ones)
    last = max((row.known_run for row in told), default=None)
    since = select(runs.c.run).where(
        runs.c.job == job, runs.c.migration.is_(None), runs.c.status == "completed", runs.c.run > (last or 0)
    )
    return Story(
        reference=reference,
        source_key=key,
        outcome=customer.outcome if customer else None,
        target_id=crossing.target_id if crossing else None,
        last_run_id=str(last) if last else None,
        unanswered_since_run=str(unanswered) if unanswered else None,
        chapters=tuple(
            Chapter(
                run_id=str(row.known_run),
                decided_at=row.decided_at,
                source_key=row.source_key,
                outcome=row.outcome,
                code=row.code,
                http_status=row.http_status,
                tries=row.tries,
            )
            for row in told
        ),
        reject=rejected[0] if rejected else None,
        runs_since=len(connection.execute(since).all()) if last else 0,
    )
