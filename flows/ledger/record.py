"""The plain values that pass between the ledger and the flows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal, NamedTuple

from mappings.finding import Finding

Outcome = Literal["created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred"]
Stage = Literal["extract", "check", "map", "reference", "send"]
Status = Literal["running", "completed", "failed", "stopped", "interrupted"]
Kind = Literal["sync", "replay", "migrate"]

# What the target is known to hold: only these leave a record hash behind.
DONE: frozenset[str] = frozenset({"created", "updated", "unchanged"})


class Remembered(NamedTuple):
    """What the ledger knows of one record of the source."""

    reference: str | None
    record_hash: bytes | None
    fingerprint: str | None
    version: str | None
    outcome: str
    holds: bool | None  # the target is known to hold its reference, and as this very record last made it
    run: int = 0  # the one that last decided something for it


class Crossing(NamedTuple):
    """What the ledger knows of one reference at the target."""

    target_id: str | None
    row_hash: bytes | None
    source_key: str


class Place(NamedTuple):
    """Where a run met a record."""

    page: int
    position: int
    reference: str | None
    run: int  # that of a migration's partition, or the run itself


class OpenReject(NamedTuple):
    """A customer's open reject, as far as it decides whether to try again."""

    outcome: str
    code: str | None
    http_status: int | None
    record_hash: bytes | None
    fingerprint: str | None
    tries: int
    due_at: str
    opened_at: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was decided for one record of a page; hashes are None where nothing may be taken for done."""

    position: int
    source_key: str
    reference: str | None
    outcome: Outcome
    stage: Stage = "send"
    line: int | None = None
    file: str | None = None
    version: str | None = None
    record_hash: bytes | None = None
    row_hash: bytes | None = None
    target_id: str | None = None
    http_status: int | None = None
    tries: int = 0
    findings: tuple[Finding, ...] = ()
    again: bool = False  # the reject of an earlier run, counted again without a try
    closes_reject: bool = False  # an open reject of this customer ends here

    @property
    def code(self) -> str | None:
        """The first finding's code."""
        return self.findings[0].code if self.findings else None


@dataclass(slots=True)
class Counts:
    """How many records ended how; the law says that the outcomes add up to `extracted`."""

    extracted: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    filtered: int = 0
    invalid: int = 0
    rejected: int = 0
    deferred: int = 0

    @property
    def outcomes(self) -> int:
        """The sum of the seven outcomes."""
        return (
            self.created + self.updated + self.unchanged + self.filtered + self.invalid + self.rejected + self.deferred
        )

    @property
    def balanced(self) -> bool:
        """Whether the law of conservation holds."""
        return self.extracted == self.outcomes

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


@dataclass(frozen=True, slots=True)
class Opening:
    """A page as it is opened: what its source counted and what cost no line."""

    number: int
    extracted: int
    unchanged: int
    filtered: int
    cursor: str


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a source has been read and accounted for, and under which mapping."""

    cursor: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Intent:
    """A customer that was about to be sent and has no answer."""

    reference: str
    source_key: str
    run: int


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job, as the ledger knows it."""

    number: int
    job: str
    scope: int
    fingerprint: str
    resumes: int | None
    fresh: bool  # this job has no state at this target yet
    unanswered: frozenset[str] = frozenset()  # references that an earlier run sent and that have no answer
    wary: bool = False  # the last three runs died, the latter two without any progress: a record may be to blame
    partition: int | None = None  # of a migration


def moment_text(moment: datetime) -> str:
    """Write a moment as the ledger does: ISO 8601 in UTC, so that text order is time order."""
    return moment.isoformat(timespec="microseconds")
