"""Takes one customer from its place in the target to its answer: located, sent, asked for again; waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from connectors.delivery.directory import Directory
from connectors.delivery.gate import Clock, Gate
from connectors.delivery.parcel import Parcel, ambiguous, explained, undecided
from connectors.delivery.trip import Delivery, Trip
from connectors.protocol import Answer, Held, IdTarget, Surprise, Target, ThrottledError, TransientError
from connectors.retry import LONGEST_ASKED_SECONDS, Budget, Retry

_MOST_SURPRISES = 2


class Means(Protocol):
    """What a passage sends with; a courier has it all."""

    target: Target
    gate: Gate
    retry: Retry
    budget: Budget
    clock: Clock
    chance: Callable[[], float]
    directory: Directory | None

    def note_send(self) -> None:
        """Count the first send of a row."""

    def note_retry(self) -> None:
        """Count another send of a row."""

    def note_look_up(self) -> None:
        """Count a look-up."""


@dataclass(slots=True)
class Passage:
    """The way of each parcel of one trip."""

    courier: Means
    trip: Trip[Delivery]
    _parked: list[Parcel] = field(default_factory=list)  # out of tries, while nobody else succeeds either
    _consulting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self, parcel: Parcel) -> None:
        """Take a parcel one request further."""
        try:
            if parcel.is_out_of(self.courier.retry.tries):
                await self._settle(parcel)
            elif parcel.taken_in is not None:
                await self._ask_decision(parcel)
            elif not parcel.located:
                await self._locate(parcel)
            elif parcel.unlisted and not await self._is_still_unlisted(parcel):
                self.trip.put_back(parcel)
            else:
                await self._send(parcel)
        except ThrottledError:
            self.trip.put_back(parcel)
        except TransientError as error:
            self._note_failure(parcel, error)

    def close_waiting(self) -> bool:
        """Refuse customers where the target at least answered a look-up, probe for the others."""
        if not self._parked:
            return False
        parked, self._parked = self._parked, []
        for parcel in parked:
            if parcel.looked_up:
                self._give(parcel, parcel.refused())
            else:
                self._put_back_anew(parcel)
        if self.trip.waits and not self.courier.gate.is_open:
            self.courier.gate.trip()
        return True

    async def _send(self, parcel: Parcel) -> None:
        note = self.courier.note_retry if parcel.tries else self.courier.note_send
        parcel.looking = False
        try:
            call = partial(self.courier.target.send, parcel.sendable)
            answer = await self.trip.through(call, note, parcel.row.reference)
        except ThrottledError:
            raise
        except TransientError:
            parcel.tries += 1
            parcel.unanswered = True
            if isinstance(self.courier.target, IdTarget) and parcel.row.target_id is None:
                self._lose(parcel)  # it may have been created
            raise
        parcel.tries += 1
        if answer.surprise is not None and parcel.surprises < _MOST_SURPRISES:
            self._surprised(parcel, answer)
        elif answer.pending:
            parcel.take_in(answer, self.courier.clock())
            self.trip.put_back(parcel)
        else:
            self._report(parcel, explained(answer))

    def _surprised(self, parcel: Parcel, answer: Answer) -> None:
        """Look a customer up that is not where it was thought to be."""
        parcel.surprises += 1
        if answer.surprise is Surprise.GONE and parcel.row.target_id is not None:
            parcel.gone = (parcel.row.target_id, explained(answer))
        self._lose(parcel, gone=answer.surprise is Surprise.GONE)
        parcel.contradicted = explained(answer) if answer.surprise is Surprise.EXISTS else None
        self.trip.put_back(parcel)

    def _lose(self, parcel: Parcel, *, gone: bool = False) -> None:
        """Note that only a look-up, from now on, tells where a customer is."""
        parcel.lose(gone=gone)
        if self.courier.directory is not None:
            self.courier.directory.forget(parcel.row.reference)

    async def _locate(self, parcel: Parcel) -> None:
        """Find out whether the target holds a customer before one is created."""
        if self._is_of_before(parcel) and (wait := self._visible_at(self.trip.began) - self.courier.clock()) > 0:
            self.trip.put_back(parcel, wait)  # one look-up then tells as much as several till then
        else:
            self._place(parcel, await self._look_up(parcel))

    async def _is_still_unlisted(self, parcel: Parcel) -> bool:
        """Say whether the list still shows that a customer is absent; it is read on where that was a while ago."""
        directory = self.courier.directory
        assert directory is not None
        async with self._consulting:
            if directory.is_due:
                await directory.consult([each.row.reference for each in self.trip.parcels if each.unlisted])
        parcel.heed(directory)
        return parcel.unlisted

    @staticmethod
    def _is_of_before(parcel: Parcel) -> bool:
        """Say whether an earlier delivery sent a customer without an answer, and this one has not written so far."""
        return parcel.row.doubtful and not parcel.tries

    def _visible_at(self, written_at: float) -> float:
        """Say from when on a look-up shows what was written then."""
        target = self.courier.target
        return written_at + (target.settling_seconds if isinstance(target, IdTarget) else 0.0)

    def _place(self, parcel: Parcel, held: Held | None) -> None:
        """Decide by what a look-up found."""
        if held is None:
            self._not_found(parcel)
        elif held.others:
            self._give(parcel, ambiguous(held))
        elif parcel.gone is not None and parcel.gone[0] == held.target_id:  # shown, and nowhere to be written to
            self._report(parcel, parcel.gone[1])
        elif held.pending and parcel.doubtful:  # it arrived, and is not decided about yet
            parcel.take_in(Answer(None, held.target_id), self.courier.clock())
            self.trip.put_back(parcel)
        elif held.refusals and parcel.doubtful:
            # it arrived, and was turned down
            self._report(parcel, Answer(None, held.target_id, refusals=held.refusals))
        elif held.same and parcel.doubtful:
            self._report(parcel, parcel.arrived(held))  # what had no answer has arrived
        else:
            parcel.locate(held)
            self.trip.put_back(parcel)

    def _not_found(self, parcel: Parcel) -> None:
        """Create a customer that is not held, unless one that was just written may still be invisible."""
        if (parcel.doubtful or parcel.contradicted is not None) and (wait := self._settling(parcel)) > 0:
            self.trip.put_back(parcel, wait)
        elif parcel.contradicted is not None:
            self._report(parcel, parcel.contradicted)
        else:
            parcel.locate(None)
            self.trip.put_back(parcel)

    def _settling(self, parcel: Parcel) -> float:
        """Say how long to wait before asking again; 0 once what was written must be visible.

        It is asked for at once, after a quarter of the time, and at its end.
        """
        first = parcel.asked_at is None
        if parcel.asked_at is None:
            parcel.asked_at = self.trip.began if self._is_of_before(parcel) else parcel.looked_at
        # What was asked before the time was over proves nothing, however late its answer came.
        left = self._visible_at(parcel.asked_at) - parcel.looked_at
        whole = self._visible_at(0.0)
        return min(left, max(0.25, whole / 4)) if first else left

    async def _ask_decision(self, parcel: Parcel) -> None:
        """Ask a target that decides later what it has decided."""
        self._decide(parcel, await self._look_up(parcel))

    def _decide(self, parcel: Parcel, held: Held | None) -> None:
        """Answer a customer that was taken in by what a look-up found, or ask again."""
        answer = parcel.taken_in
        assert answer is not None
        assert parcel.asked_at is not None
        if held is not None and held.refusals:
            self._report(parcel, Answer(answer.status, held.target_id, refusals=held.refusals))
        elif held is not None and held.same:
            self._report(parcel, Answer(answer.status, held.target_id, answer.created))
        elif self.courier.clock() - parcel.asked_at >= self._deciding_seconds:
            self._report(parcel, undecided(parcel))
        else:
            parcel.asked += 1
            self.trip.put_back(parcel, min(8.0, 0.25 * 2**parcel.asked))

    @property
    def _deciding_seconds(self) -> float:
        target = self.courier.target
        return target.deciding_seconds if isinstance(target, IdTarget) else 0.0

    async def _look_up(self, parcel: Parcel) -> Held | None:
        parcel.looked_at, parcel.looking = self.courier.clock(), True
        call = partial(self.courier.target.look_up, parcel.row)
        held = await self.trip.through(call, self.courier.note_look_up, parcel.row.reference)
        parcel.unheard = 0
        return held

    async def _settle(self, parcel: Parcel) -> None:
        """Settle a customer that is out of tries: by what the target holds, else by how the others fare."""
        if parcel.openings != self.courier.gate.openings:
            self._put_back_anew(parcel)
            return
        try:
            held = await self._look_up(parcel)
        except ThrottledError:
            raise
        except TransientError:
            self._judge(parcel)
            return
        if parcel.taken_in is not None:  # asking failed, and works again
            parcel.begin_anew()
            self._decide(parcel, held)
        elif not parcel.is_out_of(self.courier.retry.tries):  # it was look-ups that failed, and they work again
            self._place(parcel, held)
        elif held is not None and held.same and not held.others:
            self._report(parcel, parcel.arrived(held))
        elif isinstance(self.courier.target, IdTarget) and (wait := self._settling(parcel)) > 0:
            self.trip.put_back(parcel, wait)
        else:
            parcel.looked_up = True
            self._judge(parcel)

    def _note_failure(self, parcel: Parcel, error: TransientError) -> None:
        """Count a failure against the customer, unless the target fails for all, and plan the next try."""
        courier, gate = self.courier, self.courier.gate
        parcel.last_failure = error
        if parcel.failed and parcel.openings != gate.openings:
            parcel.begin_anew()
        if not parcel.failed:
            parcel.successes, parcel.openings = gate.successes, gate.openings
        if not gate.is_open:
            # Where it would be a long wait, the next run is the better waiter.
            parcel.count_failure(courier.retry.tries if (error.delay_seconds or 0.0) > LONGEST_ASKED_SECONDS else 1)
        if parcel.is_out_of(courier.retry.tries):
            self.trip.put_back(parcel)
            return
        pause = courier.retry.pause(max(1, parcel.failures + parcel.unheard), error.delay_seconds, courier.chance())
        self.trip.put_back(parcel, max(pause, courier.budget.claim_retry(courier.clock())))

    def _judge(self, parcel: Parcel) -> None:
        """Refuse a customer that fails while others succeed; while nobody succeeds, wait for what becomes of them."""
        gate = self.courier.gate
        if parcel.openings != gate.openings:
            self._put_back_anew(parcel)
        elif gate.successes > parcel.successes:
            self._give(parcel, parcel.refused())
        else:
            self._parked.append(parcel)

    def _put_back_anew(self, parcel: Parcel) -> None:
        parcel.begin_anew()
        self.trip.put_back(parcel)

    def _report(self, parcel: Parcel, answer: Answer) -> None:
        """Give a parcel its answer; that the target answered says something about those that wait."""
        if self.courier.directory is not None and answer.target_id is not None and not answer.refusals:
            self.courier.directory.note(parcel.row.reference, answer.target_id)
        self._give(parcel, answer)
        parked, self._parked = self._parked, []
        for each in parked:
            self._judge(each)

    def _give(self, parcel: Parcel, answer: Answer) -> None:
        self.trip.report(Delivery(parcel.position, answer, parcel.tries))
