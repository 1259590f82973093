"""What a run says of itself at its end: to programs as JSON, to the shell as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from enum import IntEnum

from flows.ledger.record import Counts, Status


class ExitCode(IntEnum):
    """What the shell is told."""

    DONE = 0  # every customer accounted for, no rejects
    FAILED = 1  # a system failed, or the law of conservation is broken
    JOB = 2  # the job or the command is wrong
    REJECTS = 3  # completed, with rejects
    GUARD = 4  # stopped by a guard
    HELD = 5  # another run of this job holds its lease
    STOPPED = 130  # stopped on request (Ctrl-C)


@dataclass(frozen=True, slots=True)
class SlowestPage:
    """The page that took longest: its number, the records its source counted, and the seconds."""

    page: int
    records: int
    seconds: float


@dataclass(slots=True)
class Verification:
    """How many customers of the source were compared, and what the target shows of them; they add up to `counted`.

    `missing` are not at the target, `differing` have another value there, `ambiguous` are there more than once, and
    `unanswered` could not be looked up. `changed` have changed in the source since they were sent. `unsent` are those
    that the ledger does not count as sent: invalid, rejected, deferred, filtered, or new.
    """

    counted: int = 0
    same: int = 0
    missing: int = 0
    differing: int = 0
    ambiguous: int = 0
    unanswered: int = 0
    changed: int = 0
    unsent: int = 0
    requests: int = 0

    @property
    def differences(self) -> int:
        """How many customers are not at the target as the source has them, or could not be compared."""
        return self.missing + self.differing + self.ambiguous + self.unanswered

    def __add__(self, other: Verification) -> Verification:
        return Verification(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Summary:
    """A run's figures, from the ledger."""

    run_id: str
    job: str
    status: Status
    counts: Counts
    requests: int
    retries: int
    seconds: float
    exit_code: ExitCode
    message: str | None = None
    resumes_run_id: str | None = None
    unfinished: int = 0
    deactivated: int = 0
    deleted: int = 0
    dry_run: bool = False  # then the run's number is nowhere else
    pages: int = 0
    slowest_page: SlowestPage | None = None
    watermark_before: str | None = None  # a moment; None where there is none, or none that the run moves
    watermark_after: str | None = None
    verification: Verification | None = None  # of a migration that came so far

    @property
    def name(self) -> str:
        """What the run is called: by its number, where it has one."""
        return "dry run" if self.dry_run else f"run {self.run_id}"

    def as_json(self) -> dict[str, object]:
        """Give the object that `--json` prints."""
        return {
            "run_id": None if self.dry_run else self.run_id,
            "dry_run": self.dry_run,
            "job": self.job,
            "status": self.status,
            **asdict(self.counts),
            "deactivated": self.deactivated,
            "deleted": self.deleted,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": self.seconds,
            "pages": self.pages,
            "unfinished": self.unfinished,
            "slowest_page": asdict(self.slowest_page) if self.slowest_page else None,
            "watermark_before": self.watermark_before,
            "watermark_after": self.watermark_after,
            "verification": asdict(self.verification) if self.verification else None,
            "message": self.message,
            "resumes_run_id": self.resumes_run_id,
            "exit_code": int(self.exit_code),
        }
