"""Takes one customer to what the target shows of it: looked up, and asked for again; it writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from connectors.delivery.parcel import Parcel
from connectors.delivery.passage import Means
from connectors.delivery.trip import Trip
from connectors.protocol import Held, ThrottledError, TransientError


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the target holds of the row at this position; None where it certainly does not hold it.

    `unanswered` says that nobody knows: no try had an answer.
    """

    position: int
    held: Held | None
    unanswered: bool = False


@dataclass(slots=True)
class Inspection:
    """The way of each parcel of one comparison."""

    courier: Means
    trip: Trip[Comparison]

    async def advance(self, parcel: Parcel) -> None:
        """Look a customer up."""
        call = partial(self.courier.target.look_up, parcel.row)
        try:
            held = await self.trip.through(call, self.courier.note_look_up, self._blamed(parcel))
        except ThrottledError:
            self.trip.put_back(parcel)  # the gate waits
        except TransientError as error:
            self._note_failure(parcel, error)
        else:
            self.trip.report(Comparison(parcel.position, held))

    def close_waiting(self) -> bool:
        """Say that nobody waits for what becomes of others."""
        return False

    def _blamed(self, parcel: Parcel) -> str:
        """Say whom the gate shall count a failure against.

        Customers that failed while others were shown are one to it: however many there are, the target is well.
        """
        suspect = parcel.failures and self.courier.gate.successes > parcel.successes
        return "" if suspect else parcel.row.reference

    def _note_failure(self, parcel: Parcel, error: TransientError) -> None:
        """Count a failure against the customer, unless the target fails for all, and plan the next try."""
        courier, gate = self.courier, self.courier.gate
        if parcel.openings != gate.openings:
            parcel.begin_anew()
        if parcel.failures == 0:
            parcel.successes, parcel.openings = gate.successes, gate.openings
        if not gate.is_open:
            parcel.failures += 1
        if parcel.failures >= courier.retry.tries:
            self.trip.report(Comparison(parcel.position, None, unanswered=True))
            return
        self.trip.put_back(parcel, courier.retry.pause(max(1, parcel.failures), error.delay_seconds, courier.chance()))
