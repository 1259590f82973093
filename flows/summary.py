"""What a run says of itself at its end: to programs as JSON, to the shell as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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

    def as_json(self) -> dict[str, object]:
        """Give the object that `--json` prints."""
        return {
            "run_id": self.run_id,
            "job": self.job,
            "status": self.status,
            **asdict(self.counts),
            "deactivated": self.deactivated,
            "deleted": self.deleted,
            "requests": self.requests,
            "retries": self.retries,
            "seconds": self.seconds,
            "unfinished": self.unfinished,
            "message": self.message,
            "resumes_run_id": self.resumes_run_id,
            "exit_code": int(self.exit_code),
        }
