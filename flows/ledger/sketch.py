"""Draws a run over a ledger without touching it: what would be written goes into a database that is thrown away."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, func, or_, select

from flows.ledger import tables
from flows.ledger.bulk import write_rows
from flows.ledger.engine import open_scratch, parse_url
from flows.ledger.inspection import open_if_there
from flows.ledger.key import find_key, refuse_other_key
from flows.ledger.knowledge import Clock, Knowledge
from flows.ledger.lease import Fence, ledger_moment
from flows.ledger.ledger import Ledger
from flows.ledger.migration import migrate
from flows.ledger.record import Crossing, Remembered, moment_text

_LATEST_RUNS = 3  # as many as tell whether a job is stalled
_COPIED_AT_ONCE = 10_000


class Snapshot(Knowledge):
    """A ledger as it is at one moment, whatever a run beside writes meanwhile; read through one connection."""

    def __init__(self, connection: Connection, key: bytes, clock: Clock) -> None:
        super().__init__(connection.engine, key, clock)
        self._connection = connection
        self._turn = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read what there was at that moment; raises LedgerError where the database fails."""
        with self._turn, self._translating("read"):
            yield self._connection


class Sketch(Ledger):
    """A ledger over another one, which it only reads; it forgets all that is written to it when it is closed.

    Customers and what the target holds of them are looked up behind, where nothing was drawn over them; all else that
    a run begins with is copied when it takes its lease, which is none.
    """

    def __init__(self, engine: Engine, key: bytes, clock: Clock, behind: Snapshot | None, open_ends: ExitStack) -> None:
        super().__init__(engine, key, clock)
        self._behind = behind
        self._open_ends = open_ends
        self._turn = threading.Lock()
        self.beside = False  # another run of the job holds the lease

    @classmethod
    def over(cls, state: str, environment: Mapping[str, str], clock: Clock) -> Sketch:
        """Begin a sketch over a ledger, or over none where no run has made it yet; makes neither ledger nor key.

        Raises JobError where the ledger cannot be read, is older or newer than this program, or has another key.
        """
        key = find_key(parse_url(state), environment)
        with ExitStack() as open_ends:
            behind = None
            if (reader := open_if_there(state)) is not None:
                open_ends.callback(reader.close)
                connection = open_ends.enter_context(reader.reading())
                refuse_other_key(connection, key)
                key = key or secrets.token_bytes()  # it has no hash yet
                behind = Snapshot(connection, key, clock)
            engine = open_scratch()
            open_ends.callback(engine.dispose)
            with engine.begin() as drawing:
                migrate(drawing)
            return cls(engine, key or secrets.token_bytes(), clock, behind, open_ends.pop_all())

    def close(self) -> None:
        """Forget what was drawn, and let go of the ledger behind."""
        self._open_ends.close()

    def take_lease(self, name: str, under: Fence | None = None) -> None:
        """Take nothing, and see what a run of this job would begin with; works beside one that is under way."""
        assert under is None, "a sketch is of a whole run"
        if self._behind is not None:
            with self._behind.reading() as behind, self.writing() as drawing:
                self.beside = _is_held(behind, name, moment_text(ledger_moment(behind, self.clock)))
                _copy(behind, drawing, name, beside=self.beside)

    def remembered(self, scope: int, keys: Sequence[str]) -> dict[str, Remembered]:
        """Recall the records with these source keys, from the sketch before the ledger behind."""
        drawn = super().remembered(scope, keys)
        if self._behind is None:
            return drawn
        behind = self._behind.remembered(scope, [key for key in keys if key not in drawn])
        # Who waited is copied at the beginning, and so is not drawn any more once let go of.
        known = {key: each for key, each in behind.items() if each.outcome != "deferred"}
        taken = super().crossings(scope, [each.reference for each in known.values() if each.reference is not None])
        for key, each in known.items():
            if (crossing := taken.get(each.reference or "")) is not None:
                holds = crossing.source_key == key and crossing.row_hash is not None
                known[key] = each._replace(holds=holds)
        return known | drawn

    def crossings(self, scope: int, references: Sequence[str]) -> dict[str, Crossing]:
        """Recall what the target holds, or would hold, under these references."""
        drawn = super().crossings(scope, references)
        if self._behind is None:
            return drawn
        return self._behind.crossings(scope, [each for each in references if each not in drawn]) | drawn

    def keys_of(self, scope: int, reference: str) -> list[str]:
        """List the source keys under which a reference was last met, before this run."""
        return super().keys_of(scope, reference) if self._behind is None else self._behind.keys_of(scope, reference)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read what was drawn and copied; there is one connection to it."""
        with self._turn, super().reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Draw; nobody else is there to be kept from it by a lease."""
        with self._turn, super().writing() as connection:
            yield connection


def _is_held(behind: Connection, job: str, now: str) -> bool:
    columns = tables.leases.c
    held = select(func.count()).where(columns.job == job, columns.expires_at > now)
    return bool(behind.execute(held).scalar_one())


def _copy(behind: Connection, drawing: Connection, job: str, *, beside: bool) -> None:
    """Copy what a run of this job begins with, and changes other than record by record."""
    scopes = select(tables.scopes.c.scope).where(tables.scopes.c.job == job).scalar_subquery()
    for table, query in _beginnings(job, scopes):
        found = behind.execute(query).yield_per(_COPIED_AT_ONCE)
        for rows in found.partitions():
            write_rows(drawing, table, [tuple(row) for row in rows])
    if beside:  # it is not ours to take over from
        alive = tables.runs.update().where(tables.runs.c.status == "running").values(status="completed")
        drawing.execute(alive)


def _beginnings(job: str, scopes: Any) -> Iterator[tuple[Table, Select[Any]]]:
    rejects, intents, customers = tables.rejects.c, tables.intents.c, tables.customers.c
    yield tables.scopes, select(tables.scopes).where(tables.scopes.c.job == job)
    for table in (tables.sources, tables.watermarks, tables.intents):
        yield table, select(table).where(table.c.scope.in_(scopes))
    refused = select(tables.rejects).where(rejects.scope.in_(scopes), rejects.closed_at.is_(None))
    yield tables.rejects, refused
    yield tables.findings, _of(tables.findings, refused, "source_key")
    unanswered = select(tables.intents).where(intents.scope.in_(scopes))
    yield tables.customers, _of(tables.customers, unanswered, "source_key")
    yield tables.customers, select(tables.customers).where(customers.scope.in_(scopes), customers.outcome == "deferred")
    yield tables.crosswalk, _of(tables.crosswalk, unanswered, "reference")
    yield tables.crosswalk, _of(tables.crosswalk, refused, "reference")
    yield from _runs(job, scopes)


def _of(table: Table, others: Select[Any], column: str) -> Select[Any]:
    """Choose the rows of a table that have scope and column of others."""
    given = others.subquery()
    same = select(given.c.scope).where(given.c.scope == table.c.scope, given.c[column] == table.c[column])
    return select(table).where(same.exists())


def _runs(job: str, scopes: Any) -> Iterator[tuple[Table, Select[Any]]]:
    """Choose the runs that say how the job stands, and what tells whether the latest of them got anywhere."""
    runs, lines, pages = tables.runs.c, tables.lines.c, tables.pages.c
    latest = select(runs.run).where(runs.job == job, runs.partition.is_(None)).order_by(runs.run.desc())
    whole = select(func.max(runs.run)).where(runs.job == job, runs.whole == 1).group_by(runs.scope, runs.source)
    sending = select(tables.intents.c.run).where(tables.intents.c.scope.in_(scopes))
    wanted = or_(
        runs.run.in_(select(latest.limit(_LATEST_RUNS).subquery())),
        runs.run.in_(whole),
        runs.run.in_(sending),
        runs.run == select(func.max(runs.run)).where(runs.job == job).scalar_subquery(),  # ours comes after all of them
        runs.status == "running",
    )
    yield tables.runs, select(tables.runs).where(runs.job == job, wanted)
    recent = select(latest.limit(_LATEST_RUNS).subquery())
    sent = (
        select(lines.run, func.min(lines.page).label("page"))
        .join(tables.pages, (pages.run == lines.run) & (pages.page == lines.page))
        .where(lines.run.in_(recent), lines.outcome.in_(("created", "updated")), pages.confirmed_at.is_not(None))
        .group_by(lines.run)
        .subquery()
    )
    for table in (tables.pages, tables.lines):
        same = select(sent.c.run).where(sent.c.run == table.c.run, sent.c.page == table.c.page)
        yield table, select(table).where(same.exists())
