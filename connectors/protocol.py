"""What a source and a target must be able to do, and the plain values that pass between them and the flows.

The errors, grouped by recovery (a test holds this tree against the classes)::

    ConnectorError
    ├── ConfigurationError      the job or its surroundings are wrong: stop before anything is read or written
    ├── TransientError          may pass: try again, after `delay_seconds` where the system named one
    │   ├── AnsweredError       the system answered with a failure of its own
    │   └── ThrottledError      the system is well but we are too fast: not an attempt of the customer
    └── PermanentError          stop the job; customers not yet done are not rejects
        ├── CredentialsError    the system refuses who we are
        ├── UnavailableError    the system stayed away longer than we wait
        ├── BrokenSourceError   the source cannot be read any further
        └── WatermarkError      the watermark lies after the source's own clock: nothing could be read from there on

Their texts name connector, operation, status and attempt; never a body, a parameter or a personal value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol, Self, runtime_checkable

import pandas as pd


class ConnectorError(Exception):
    """A system, not a customer, failed."""


class ConfigurationError(ConnectorError):
    """The job or its surroundings are wrong; nothing was read or written."""


class TransientError(ConnectorError):
    """May pass by itself; `delay_seconds` is the wait that the system asked for, if it did."""

    def __init__(self, message: str, delay_seconds: float | None = None) -> None:
        super().__init__(message, delay_seconds)
        self.delay_seconds = delay_seconds

    def __str__(self) -> str:
        return str(self.args[0])


class AnsweredError(TransientError):
    """The system answered, but with a failure of its own (`status`, a 5xx), not with silence."""

    def __init__(self, message: str, delay_seconds: float | None = None, status: int | None = None) -> None:
        super().__init__(message, delay_seconds)
        self.status = status


class ThrottledError(TransientError):
    """The system asks us to slow down (429)."""


class PermanentError(ConnectorError):
    """The job cannot go on; what was not done is simply not done yet."""


class CredentialsError(PermanentError):
    """The system refuses our credentials."""


class UnavailableError(PermanentError):
    """The system stayed away, or throttled us, for longer than we are willing to wait."""


class BrokenSourceError(PermanentError):
    """The source cannot be read any further."""


class WatermarkError(PermanentError):
    """The watermark lies after the source's own clock: a run would find nobody and look like a success."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that a system has against one customer.

    `code` is the system's own (`missing_param`), `field` its name of the field or "" where it named none,
    `description` its words; the words may carry personal values, so the flows redact them before they are kept.
    """

    code: str
    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Page:
    """The unit of extraction: some records, and the cursor to go on after them.

    `records` has one line per record under a fresh `RangeIndex`, the source's columns in their order; files and
    APIs without types give text, and null (`None`/`NaN`) where the source says nothing; a key that an API left out is
    `...` (Ellipsis). `keys` names each record in the source, `versions` its last update as comparable text where the
    source has one, `lines` its line in a file: in the one called `file`, where there are several.
    `unreadable` says by position why a record could not be read: its values are not to be trusted, its key is its
    place in the source. `counted` is how many records the source itself counted while it read. `notice` is what
    the operator should know of the page, without a value of any customer.

    `cursor` is None where nothing may be concluded from the page's end: its records stand outside the source's order
    (no last update, one in the future), or the source has none. A version is "" where it cannot be ordered for certain.
    """

    records: pd.DataFrame
    keys: Sequence[str]
    counted: int
    cursor: str | None
    lines: Sequence[int] | None = None
    versions: Sequence[str] | None = None
    unreadable: Mapping[int, Refusal] = field(default_factory=dict)
    notice: str | None = None
    file: str | None = None

    def take(self, positions: Sequence[int]) -> Page:
        """Give a page of just these records; nothing can be concluded from its end."""
        versions, lines = self.versions, self.lines
        return Page(
            records=self.records.iloc[list(positions)].reset_index(drop=True),
            keys=[self.keys[position] for position in positions],
            counted=len(positions),
            cursor=None,
            lines=None if lines is None else [lines[position] for position in positions],
            versions=None if versions is None else [versions[position] for position in positions],
            unreadable={new: self.unreadable[old] for new, old in enumerate(positions) if old in self.unreadable},
            notice=self.notice,
            file=self.file,
        )


class Source(Protocol):
    """Something that customers are read from; synchronous, one reader, though not always the same thread.

    An incremental source reads in the order of last updates. Its cursors are moments (`connectors.moment`), and reading
    after one includes the records of that very moment, since more of them may have come. Other sources have cursors of
    their own, read on from exactly; a run begins them anew.
    """

    @property
    def address(self) -> str:
        """Name the place that is read, without secrets; the watermark belongs to it."""

    @property
    def incremental(self) -> bool:
        """Say whether a cursor of an earlier run may be read on from (the source has a last update)."""

    @property
    def overlap(self) -> timedelta:
        """Say how far before the watermark a run begins, for what became visible late."""

    def open(self) -> tuple[str, ...]:
        """Connect and return the names of all columns.

        Raises ConfigurationError where the job is wrong, CredentialsError or UnavailableError where the system is.
        """

    def pages(self, after: str | None, size: int) -> Iterator[Page]:
        """Read pages of at most `size` records after the cursor (None: from the beginning), in a stable order.

        Lost connections are the source's own to mend. Raises UnavailableError where they cannot be, BrokenSourceError
        where the source shows something that cannot be read on, ConfigurationError where the job turns out wrong.
        """

    def read_keys(self, keys: Sequence[str], size: int) -> Iterator[Page]:
        """Read just the records with these source keys; keys that left the source are absent. A file scans.

        The pages have no cursor.
        """

    def close(self) -> None:
        """Let go of files and connections; twice is once.

        Another thread may call it while one reads: a wait for a system that is away then ends with an error.
        """


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The records whose keys stand after `after` up to and including `until`, in the source's own order of keys.

    Both are cursors of a source that is read in the order of its keys; None is before the first, and behind the last.
    """

    after: str | None = field(repr=False)  # a key names a customer
    until: str | None = field(repr=False)


@runtime_checkable
class DivisibleSource(Source, Protocol):
    """A source whose records can be read in several parts at the same time, each by a reader of its own."""

    def divide(self, parts: int) -> Sequence[KeyRange]:
        """Find at most so many ranges, about equally large, that leave no record out and overlap nowhere.

        In the order of keys, at least one, and no more than there are records; a record without a key belongs to the
        last. Callable once the source is open; raises as `pages`.
        """

    def part(self, keys: KeyRange) -> Source:
        """Make a source of just these records, with a connection of its own; it is not open yet.

        It is never incremental: it reads everything in the order of keys, and its cursors are keys, read on from
        exactly. Address, keys, versions and flaws are those that the whole source gives.
        """


@dataclass(frozen=True, slots=True)
class Row:
    """A customer as it is sent.

    `values` maps target fields to plain values (text, bool, int, Decimal, list, `pathlib.Path` for a file to
    upload); None clears the field, and a field that is not there stays as it is. `target_id` is the target's own id
    of this reference, where it is known. `doubtful` says that an earlier send of this customer had no answer.
    """

    reference: str
    values: Mapping[str, object] = field(default_factory=dict)
    target_id: str | None = None
    doubtful: bool = False


class Surprise(Enum):
    """What an answer shows to be otherwise than the request took for granted."""

    GONE = auto()  # the customer that was to be updated is not there any more
    EXISTS = auto()  # the customer that was to be created is there already


@dataclass(frozen=True, slots=True)
class Answer:
    """What the target said to one row: accepted, or refused with its reasons.

    `created` is what the answer tells: True (created), False (updated) or None (it does not say). With a `surprise`
    the refusals count only where looking the customer up does not help. `pending` says that the target has taken the
    row in and will decide about it later.
    """

    status: int | None
    target_id: str | None = None
    created: bool | None = None
    refusals: tuple[Refusal, ...] = ()
    surprise: Surprise | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A customer that the target holds: its id, and in what it differs from the row that was asked for.

    `differing` names the row's fields, in the order of their names, that the target shows otherwise or not at all;
    never their values. `others` counts further customers under the same reference. `refusals` say why the target, which
    had taken the row in, has turned it down since; `pending` that it has not decided yet.
    """

    target_id: str
    differing: tuple[str, ...] = ()
    others: int = 0
    refusals: tuple[Refusal, ...] = ()
    pending: bool = False

    @property
    def same(self) -> bool:
        """Say whether the target shows all the row's values, and has nothing to say or to decide about it."""
        return not (self.differing or self.refusals or self.pending)


@dataclass(frozen=True, slots=True)
class Roll:
    """A part of the list of whom a target holds: ids by reference, and the cursor to the next part (None: the last).

    `total` is how many customers the target counts, if it does. `steady` says that the parts fit together whatever
    changes in between, so that a reference which is in none of them is not held. `tail`, of the last part, is the
    cursor behind which customers are shown that are created from now on, and only they; None where there is none.
    `unread` counts customers of the part whose id or reference could not be read: anybody may be among them.
    """

    ids: Mapping[str, tuple[str, ...]]
    cursor: str | None
    steady: bool
    total: int | None = None
    tail: str | None = None
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Entity:
    """Something of the target's that customers name (a category, a payment type), by whatever names it has there."""

    id: str
    reference: str | None = None
    name: str | None = None


class Target(Protocol):
    """Something that customers are written to; asynchronous, many requests in flight, each tried exactly once.

    Every method but the first two raises TransientError, ThrottledError or PermanentError when the system fails; a
    refusal of the customer is an Answer. Retries, pace and circuit are `connectors.delivery`'s.
    """

    @property
    def address(self) -> str:
        """Name the kind and place that is written to, without secrets; customer state belongs to it."""

    async def __aenter__(self) -> Self:
        """Connect and prove the credentials; raises CredentialsError or TransientError."""

    async def __aexit__(self, *_: object) -> None:
        """Let go of connections."""

    async def send(self, row: Row) -> Answer:
        """Write one customer, in one request (and one more where a session had to be renewed).

        A target that takes references upserts by them. An `IdTarget` updates the customer with the row's `target_id`,
        and creates one where there is none.
        """

    async def look_up(self, row: Row) -> Held | None:
        """Find one customer by its id, or by its reference; None where the target certainly does not hold it."""

    async def entities(self, kind: str) -> Sequence[Entity] | None:
        """List what customers may name; None where the target has no such list."""


@runtime_checkable
class IdTarget(Target, Protocol):
    """A target that knows customers by ids of its own, and would create the same reference twice."""

    @property
    def settling_seconds(self) -> float:
        """Say how long a customer that was just written may stay invisible to look-ups."""

    @property
    def deciding_seconds(self) -> float:
        """Say how long it may take until the target has decided about a row that it took in (`Answer.pending`)."""

    async def roll(self, cursor: str | None) -> Roll:
        """Show a part of the list of all customers, in one request."""
