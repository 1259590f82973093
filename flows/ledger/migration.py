"""Brings a ledger's schema up to date, each step recorded in the transaction that makes it."""

from __future__ import annotations

from sqlalchemy import Connection, text

from flows.document import JobError
from flows.ledger.damage import damage

# Written out, not derived from the tables: an old step must stay what it was when the tables move on.
_FIRST = """
CREATE TABLE scopes (scope {identity}, job TEXT NOT NULL, target TEXT NOT NULL, UNIQUE (job, target));
CREATE TABLE runs (
  run {identity}, scope INTEGER NOT NULL, job TEXT NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL,
  resumes_run_id INTEGER, status TEXT NOT NULL, message TEXT,
  started_at TEXT NOT NULL, ended_at TEXT, seconds DOUBLE PRECISION,
  requests INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0,
  extracted INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0, filtered INTEGER NOT NULL DEFAULT 0, invalid INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0, deferred INTEGER NOT NULL DEFAULT 0,
  deactivated INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
  unfinished INTEGER NOT NULL DEFAULT 0);
CREATE INDEX runs_by_job ON runs (job, run);
CREATE TABLE pages (
  run INTEGER NOT NULL, page INTEGER NOT NULL, extracted INTEGER NOT NULL, unchanged INTEGER NOT NULL,
  filtered INTEGER NOT NULL, cursor TEXT NOT NULL, begun_at TEXT NOT NULL, confirmed_at TEXT,
  PRIMARY KEY (run, page)) {packed};
CREATE TABLE lines (
  run INTEGER NOT NULL, page INTEGER NOT NULL, position INTEGER NOT NULL, source_key TEXT NOT NULL, reference TEXT,
  outcome TEXT NOT NULL, code TEXT, http_status INTEGER, tries INTEGER NOT NULL, decided_at TEXT NOT NULL,
  PRIMARY KEY (run, page, position)) {packed};
CREATE INDEX lines_by_reference ON lines (reference);
CREATE TABLE customers (
  scope INTEGER NOT NULL, source_key TEXT NOT NULL, reference TEXT, record_hash {bytes}, fingerprint TEXT,
  version TEXT, outcome TEXT NOT NULL, run INTEGER NOT NULL,
  PRIMARY KEY (scope, source_key)) {packed};
CREATE TABLE crosswalk (
  scope INTEGER NOT NULL, reference TEXT NOT NULL, target_id TEXT, row_hash {bytes}, source_key TEXT NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (scope, reference)) {packed};
CREATE TABLE intents (
  scope INTEGER NOT NULL, reference TEXT NOT NULL, source_key TEXT NOT NULL, run INTEGER NOT NULL,
  page INTEGER NOT NULL,
  PRIMARY KEY (scope, reference)) {packed};
CREATE TABLE rejects (
  scope INTEGER NOT NULL, source_key TEXT NOT NULL, reference TEXT, line INTEGER, run INTEGER NOT NULL,
  stage TEXT NOT NULL, outcome TEXT NOT NULL, code TEXT, http_status INTEGER, record_hash {bytes}, fingerprint TEXT,
  tries INTEGER NOT NULL, due_at TEXT NOT NULL, opened_at TEXT NOT NULL, closed_at TEXT, closed_run INTEGER,
  PRIMARY KEY (scope, source_key)) {packed};
CREATE TABLE findings (
  scope INTEGER NOT NULL, source_key TEXT NOT NULL, number INTEGER NOT NULL, code TEXT NOT NULL,
  field TEXT NOT NULL, description TEXT NOT NULL,
  PRIMARY KEY (scope, source_key, number)) {packed};
CREATE TABLE watermarks (
  scope INTEGER NOT NULL, source TEXT NOT NULL, filter TEXT NOT NULL, cursor TEXT NOT NULL, fingerprint TEXT NOT NULL,
  run INTEGER NOT NULL,
  PRIMARY KEY (scope, source, filter)) {packed};
CREATE TABLE leases (
  job TEXT PRIMARY KEY, owner TEXT NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL, token INTEGER NOT NULL,
  renewed_at TEXT NOT NULL, expires_at TEXT NOT NULL)
"""

_SECOND = """
ALTER TABLE runs ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
ALTER TABLE watermarks ADD COLUMN seal TEXT;
CREATE TABLE sources (
  scope INTEGER NOT NULL, source TEXT NOT NULL, columns TEXT NOT NULL,
  PRIMARY KEY (scope, source)) {packed}
"""

_THIRD = """
ALTER TABLE runs ADD COLUMN kind TEXT NOT NULL DEFAULT 'sync';
ALTER TABLE runs ADD COLUMN stop_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN migration INTEGER;
ALTER TABLE runs ADD COLUMN partition INTEGER;
CREATE INDEX runs_by_migration ON runs (migration, partition);
CREATE TABLE partitions (
  scope INTEGER NOT NULL, number INTEGER NOT NULL, source TEXT NOT NULL, fingerprint TEXT NOT NULL,
  after_key TEXT, until_key TEXT, done INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, number)) {packed};
CREATE TABLE claims (
  scope INTEGER NOT NULL, reference TEXT NOT NULL, source_key TEXT NOT NULL,
  PRIMARY KEY (scope, reference)) {packed};
CREATE TABLE shares (
  scope INTEGER NOT NULL, lease TEXT NOT NULL, requests INTEGER NOT NULL,
  PRIMARY KEY (scope, lease)) {packed};
CREATE TABLE differences (
  run INTEGER NOT NULL, reference TEXT NOT NULL, kind TEXT NOT NULL, fields TEXT NOT NULL,
  PRIMARY KEY (run, reference)) {packed}
"""

_FOURTH = "ALTER TABLE rejects ADD COLUMN file TEXT"

MIGRATIONS: tuple[str, ...] = (_FIRST, _SECOND, _THIRD, _FOURTH)

_DIALECT = {
    "sqlite": {"identity": "INTEGER PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB", "packed": "WITHOUT ROWID"},
    "postgresql": {
        "identity": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "bytes": "BYTEA",
        "packed": "",
    },
}

# Any number that nobody else in the database is likely to lock: "rollcall" in ASCII.
_LOCK = int.from_bytes(b"rollcall")


def migrate(connection: Connection) -> None:
    """Run the steps that this ledger has not had, inside the caller's transaction.

    Raises JobError where the ledger was written by a newer program: an older one must not touch it.
    """
    words = _DIALECT.get(connection.dialect.name)
    if words is None:
        raise JobError(f"a ledger cannot live in {connection.dialect.name}; use SQLite or PostgreSQL")
    if connection.dialect.name == "postgresql":  # two may open a new ledger at once; on SQLite the second waits anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    connection.execute(text("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)"))
    version = schema_version(connection)
    for step in MIGRATIONS[version:]:
        for statement in step.format(**words).split(";"):
            connection.execute(text(statement))
    if version == 0:
        connection.execute(text("INSERT INTO settings VALUES ('schema', :v)"), {"v": str(len(MIGRATIONS))})
    elif version < len(MIGRATIONS):
        connection.execute(text("UPDATE settings SET value = :v WHERE name = 'schema'"), {"v": str(len(MIGRATIONS))})


def schema_version(connection: Connection) -> int:
    """Tell which steps a ledger has had; raises JobError where it was written by a newer program."""
    found = connection.execute(text("SELECT value FROM settings WHERE name = 'schema'")).scalar() or "0"
    if not found.isdecimal():
        raise JobError(damage(connection.engine.url))
    version = int(found)
    if version > len(MIGRATIONS):
        raise JobError(f"the ledger's schema is version {version}, this program knows {len(MIGRATIONS)}: update it")
    return version
