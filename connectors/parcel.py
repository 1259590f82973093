"""A row on its way through the retries, and what it amounts to when they are used up; it sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from connectors.api.transport import AnsweredError
from connectors.protocol import Answer, Refusal, Row, TransientError


@dataclass(slots=True)
class Parcel:
    """A row under way: `tries` were made, of which `failures` count against the customer."""

    position: int
    row: Row
    tries: int = 0
    failures: int = 0
    last_failure: TransientError | None = None
    looked_up: bool = False
    successes: int = 0  # of the gate, at the first failure
    openings: int = 0  # of the circuit, at the first failure

    @property
    def sendable(self) -> Row:
        """The row, marked doubtful where an earlier send had no answer."""
        return self.row if self.last_failure is None else replace(self.row, doubtful=True)

    def begin_anew(self) -> None:
        """Forget failures that were the target's."""
        self.failures = 0
        self.looked_up = False

    def refused(self) -> Answer:
        """Refuse the customer, by what its last try met: a failure of the target, or no answer at all."""
        status = self.last_failure.status if isinstance(self.last_failure, AnsweredError) else None
        if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            refusal = Refusal("server_error", "", f"the target failed on this customer {self.tries} times")
        else:
            refusal = Refusal("unconfirmed", "", f"no answer confirmed this customer in {self.tries} tries")
        return Answer(status, refusals=(refusal,))
