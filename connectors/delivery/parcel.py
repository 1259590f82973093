"""A row on its way through the retries, and what it amounts to when they are used up; it sends nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from connectors.delivery.directory import Directory
from connectors.protocol import Answer, AnsweredError, Held, Refusal, Row, TransientError


@dataclass(slots=True)
class Parcel:
    """A row under way: `tries` were made, of which `failures` count against the customer.

    Look-ups that failed count apart, as `unheard`, and no longer once one was answered: where each request may fail by
    bad luck, a customer that needs many of them must not be refused sooner than one that needs few.

    `located` says that what the row's `target_id` tells is certain: this customer, or none. `taken_in` is the answer
    of a target that decides later, `asked_at` when it was first asked what it had decided, or whether it holds a
    customer whose send had no answer. `known` says that the target held the customer before our first send.
    """

    position: int
    row: Row
    located: bool = True
    unlisted: bool = False  # that it is not there is told by the list, which others may add to at any time
    known: bool = False
    tries: int = 0
    failures: int = 0
    unheard: int = 0  # look-ups in a row
    looking: bool = False  # the last request was a look-up
    last_failure: TransientError | None = None
    unanswered: bool = False  # it was sent, and had no answer
    looked_up: bool = False
    successes: int = 0  # of the gate, at the first failure
    openings: int = 0  # of the circuit, at the first failure
    surprises: int = 0
    contradicted: Answer | None = None  # the target says that what was to be created is there already
    gone: tuple[str, Answer] | None = None  # an id that the target said is not there any more, and its words
    taken_in: Answer | None = None
    asked_at: float | None = None
    asked: int = 0
    looked_at: float = 0.0  # when the last look-up was sent

    @classmethod
    def located_by(cls, directory: Directory, position: int, row: Row) -> Parcel:
        """Make a parcel for a target with ids of its own, with what its directory knows."""
        parcel = cls(position, row)
        if row.target_id is None:
            parcel.heed(directory)
        return parcel

    def __post_init__(self) -> None:
        self.known = self.row.target_id is not None

    def heed(self, directory: Directory) -> None:
        """Note where a customer that was not sent yet stands, as far as the directory tells."""
        ids = directory.ids(self.row.reference)
        self.unlisted = not self.row.doubtful and directory.excludes(self.row.reference)
        self.located = self.unlisted
        if len(ids) == 1 and not self.row.doubtful:
            self._place_at(ids[0])

    @property
    def failed(self) -> bool:
        """Whether something counts against the customer."""
        return self.failures > 0 or self.unheard > 0

    def is_out_of(self, tries: int) -> bool:
        """Say whether the customer has had its tries."""
        return max(self.failures, self.unheard) >= tries

    @property
    def doubtful(self) -> bool:
        """Whether an earlier send had no answer, so that the target may hold what it was sent."""
        return self.row.doubtful or self.unanswered

    @property
    def sendable(self) -> Row:
        """The row, marked doubtful where an earlier send had no answer."""
        return self.row if self.doubtful == self.row.doubtful else replace(self.row, doubtful=True)

    def count_failure(self, times: int) -> None:
        """Count that the last request failed; as often as several would, where it is not worth trying again."""
        if self.looking:
            self.unheard += times
        else:
            self.failures += times

    def begin_anew(self) -> None:
        """Forget failures that were the target's."""
        self.failures = self.unheard = 0
        self.looked_up = False

    def locate(self, held: Held | None) -> None:
        """Note where the customer stands in the target; None: it is not there."""
        self._place_at(held.target_id if held is not None else None)

    def lose(self, *, gone: bool = False) -> None:
        """Note that nobody knows where the customer stands; what was written till now may be invisible anew."""
        self.row = replace(self.row, target_id=None)
        self.located, self.unlisted, self.asked_at = False, False, None
        self.known = self.known and not gone

    def take_in(self, answer: Answer, now: float) -> None:
        """Note that the target has taken the customer in, under an id if it told one, and will decide."""
        self.taken_in, self.asked_at = answer, now
        self.row = replace(self.row, target_id=answer.target_id or self.row.target_id)

    def arrived(self, held: Held) -> Answer:
        """Answer for a customer whose values the target shows, though no answer said so."""
        return Answer(None, held.target_id, created=False if self.known else None)

    def refused(self) -> Answer:
        """Refuse the customer, by what its last try met: a failure of the target, or no answer at all."""
        status = self.last_failure.status if isinstance(self.last_failure, AnsweredError) else None
        tries = max(self.tries, self.failures, self.unheard)
        if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            refusal = Refusal("server_error", "", f"the target failed on this customer {tries} times")
        else:
            refusal = Refusal("unconfirmed", "", f"no answer confirmed this customer in {tries} tries")
        return Answer(status, refusals=(refusal,))

    def _place_at(self, target_id: str | None) -> None:
        self.row = replace(self.row, target_id=target_id)
        self.located, self.contradicted, self.asked_at = True, None, None
        if target_id is not None and not self.doubtful:  # else it may be we who created it
            self.known = True


def ambiguous(held: Held) -> Answer:
    """Refuse a customer whose reference several customers of the target bear."""
    words = f"{held.others + 1} customers of the target bear this reference"
    return Answer(None, refusals=(Refusal("ambiguous_reference", "", words),))


def undecided(parcel: Parcel) -> Answer:
    """Refuse, for now, a customer about which the target does not decide."""
    assert parcel.taken_in is not None
    refusal = Refusal("unconfirmed", "", "the target has taken the customer in, and not decided about it yet")
    return Answer(parcel.taken_in.status, parcel.taken_in.target_id, refusals=(refusal,))


def explained(answer: Answer) -> Answer:
    """See that a customer that is not where it must be counts as refused, even where the target gave no reason."""
    if answer.surprise is None or answer.refusals:
        return answer
    words = "the target contradicts itself about whether it holds this customer"
    return replace(answer, refusals=(Refusal("unconfirmed", "", words),))
