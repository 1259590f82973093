"""Finds whom a replay takes, and the order in which customers that are tried again must be read; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select

from flows.ledger import tables
from flows.ledger.bulk import among
from flows.ledger.recall import owners

_ASKED_AT_ONCE = 10_000  # SQLite takes some tens of thousands of parameters in a statement


def replay_keys(connection: Connection, scope: int, code: str | None) -> list[str]:
    """List the source keys of open rejects and deferred customers; with a code of open rejects that have it."""
    rejects, customers, findings = tables.rejects.c, tables.customers.c, tables.findings.c
    refused = select(rejects.source_key).where(rejects.scope == scope, rejects.closed_at.is_(None))
    if code is not None:
        named = select(findings.source_key).where(findings.scope == scope, findings.code == code)
        return sorted(connection.execute(refused.where(rejects.source_key.in_(named))).scalars())
    waiting = select(customers.source_key).where(customers.scope == scope, customers.outcome == "deferred")
    return sorted({key for query in (refused, waiting) for key in connection.execute(query).scalars()})


def open_codes(connection: Connection, scope: int) -> dict[str, int]:
    """Count the open rejects by the codes of their findings, the most frequent first."""
    rejects, findings = tables.rejects.c, tables.findings.c
    customers = func.count(findings.source_key.distinct())
    query = (
        select(findings.code, customers)
        .join(tables.rejects, and_(rejects.scope == findings.scope, rejects.source_key == findings.source_key))
        .where(findings.scope == scope, rejects.closed_at.is_(None))
        .group_by(findings.code)
        .order_by(customers.desc(), findings.code)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def turns(connection: Connection, scope: int, keys: Sequence[str], late_code: str) -> list[list[str]]:
    """Put source keys that are tried again into the order in which a run would let them have their references.

    First those that the references were last sent for; then those that met theirs first, with open rejects of the same
    reference that were not asked for; last those that came too late (their reject has `late_code`).
    """
    holders, asked, late = set[str](), set(keys), set[str]()
    for chunk in _chunks(sorted(asked)):
        holders.update(owners(connection, scope, chunk))
        asked.update(_rivals(connection, scope, chunk))
    rejects = tables.rejects.c
    for chunk in _chunks(sorted(asked)):
        query = select(rejects.source_key).where(_open(scope), rejects.code == late_code)
        late.update(connection.execute(query.where(among(connection, rejects.source_key, chunk))).scalars())
    return [sorted(holders), sorted(asked - holders - late), sorted(late - holders)]


def _rivals(connection: Connection, scope: int, keys: Sequence[str]) -> list[str]:
    """List the other source keys with an open reject under the reference of one of these rejects."""
    asked, other = tables.rejects.alias("asked"), tables.rejects.alias("other")
    query = (
        select(other.c.source_key)
        .join(asked, and_(asked.c.scope == other.c.scope, asked.c.reference == other.c.reference))
        .where(other.c.scope == scope, other.c.closed_at.is_(None), asked.c.closed_at.is_(None))
        .where(other.c.source_key != asked.c.source_key, among(connection, asked.c.source_key, keys))
    )
    return list(connection.execute(query).scalars())


def _open(scope: int) -> ColumnElement[bool]:
    return and_(tables.rejects.c.scope == scope, tables.rejects.c.closed_at.is_(None))


def _chunks(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[start : start + _ASKED_AT_ONCE] for start in range(0, len(keys), _ASKED_AT_ONCE)]
