"""The ledger's tables as SQLAlchemy sees them; `flows.ledger.migration` makes them."""

from __future__ import annotations

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

# key and value: schema version, check value of the key
settings = Table("settings", metadata, Column("name", String, primary_key=True), Column("value", String))

# what customer state belongs to: a job and its target
scopes = Table(
    "scopes",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("job", String),
    Column("target", String),
)

# one execution; the counts are those of its confirmed pages, written at its end
runs = Table(
    "runs",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("scope", Integer),
    Column("job", String),
    Column("source", String),
    Column("fingerprint", String),
    Column("resumes_run_id", Integer),
    Column("status", String),
    Column("message", String),
    Column("started_at", String),
    Column("ended_at", String),
    Column("seconds", Float),
    Column("requests", Integer),
    Column("retries", Integer),
    *(
        Column(name, Integer)
        for name in (
            "extracted",
            "created",
            "updated",
            "unchanged",
            "filtered",
            "invalid",
            "rejected",
            "deferred",
            "deactivated",
            "deleted",
            "unfinished",
        )
    ),
    Column("whole", Integer),  # 1 where every record of the source was met
    Column("kind", String),
    Column("stop_asked", Integer),  # 1 where a migration was asked to stop, 2 at once; its partitions look here
    Column("migration", Integer),  # the run that this one is a partition of
    Column("partition", Integer),
)

# what the source counted in a page, and where the page ends
pages = Table(
    "pages",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("extracted", Integer),
    Column("unchanged", Integer),
    Column("filtered", Integer),
    Column("cursor", String),
    Column("begun_at", String),
    Column("confirmed_at", String),
)

# what a run decided for one record, but for those unchanged and filtered
lines = Table(
    "lines",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("source_key", String),
    Column("reference", String),
    Column("outcome", String),
    Column("code", String),
    Column("http_status", Integer),
    Column("tries", Integer),
    Column("decided_at", String),
)

# the customer's line: what is known of each record of the source
customers = Table(
    "customers",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("source_key", String, primary_key=True),
    Column("reference", String),
    Column("record_hash", LargeBinary),
    Column("fingerprint", String),
    Column("version", String),
    Column("outcome", String),
    Column("run", Integer),
)

# reference -> target id, and the payload that the target last confirmed
crosswalk = Table(
    "crosswalk",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("target_id", String),
    Column("row_hash", LargeBinary),
    Column("source_key", String),
    Column("run", Integer),
)

# customers about to be sent whose answer is not recorded yet
intents = Table(
    "intents",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("source_key", String),
    Column("run", Integer),
    Column("page", Integer),
)

# a customer's reject, open while closed_at is null
rejects = Table(
    "rejects",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("source_key", String, primary_key=True),
    Column("reference", String),
    Column("line", Integer),
    Column("run", Integer),
    Column("stage", String),
    Column("outcome", String),
    Column("code", String),
    Column("http_status", Integer),
    Column("record_hash", LargeBinary),
    Column("fingerprint", String),
    Column("tries", Integer),
    Column("due_at", String),
    Column("opened_at", String),
    Column("closed_at", String),
    Column("closed_run", Integer),
    Column("file", String),  # that the line is in, where a source has several
)

# why: one line per finding of a reject
findings = Table(
    "findings",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("source_key", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("code", String),
    Column("field", String),
    Column("description", String),
)

# the columns that a source had when a run last opened it, as a JSON array
sources = Table(
    "sources",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("source", String, primary_key=True),
    Column("columns", String),
)

# how far a source has been read and fully accounted for
watermarks = Table(
    "watermarks",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("source", String, primary_key=True),
    Column("filter", String, primary_key=True),
    Column("cursor", String),
    Column("fingerprint", String),
    Column("run", Integer),
    Column("seal", String),  # made with the ledger's key over all that decides where a run begins
)

# the key ranges that a migration under way is divided into
partitions = Table(
    "partitions",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("source", String),
    Column("fingerprint", String),
    Column("after_key", String),
    Column("until_key", String),
    Column("done", Integer),
)

# which record of a migration under way has met a reference first
claims = Table(
    "claims",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("source_key", String),
)

# how many requests each partition may have in flight, under its lease
shares = Table(
    "shares",
    metadata,
    Column("scope", Integer, primary_key=True),
    Column("lease", String, primary_key=True),
    Column("requests", Integer),
)

# customers whom a migration's verification found otherwise at the target than in the source
differences = Table(
    "differences",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("reference", String, primary_key=True),
    Column("kind", String),
    Column("fields", String),
)

# who may write for a job; the token grows with every holder
leases = Table(
    "leases",
    metadata,
    Column("job", String, primary_key=True),
    Column("owner", String),
    Column("host", String),
    Column("process", Integer),
    Column("token", Integer),
    Column("renewed_at", String),
    Column("expires_at", String),
)
