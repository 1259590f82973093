"""Says what shall go wrong, and picks for each request what does; it touches neither connections nor customers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from email.utils import format_datetime
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from connectors.sandbox.clock import Clock

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)

Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Status = Annotated[int, Field(ge=200, le=599)]
Amount = Annotated[float, Field(ge=0)]
ListKind = Literal["no_customers", "fewer", "no_next", "next", "first_page"]
Kind = Literal["error", "drop", "reset", "truncate", "empty", "html", "stranger", "redirect", "hang", "drip", "bomb"]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Strike:
    """A fault of the way to the customers, blind to whom it hits: the `next` requests, or each with a `probability`.

    | kind         | what the client sees                                                           |
    |--------------|--------------------------------------------------------------------------------|
    | error        | `status` with the vendor's server error, and `retry_after` as header if given  |
    | drop         | the connection closed without an answer                                        |
    | reset        | the connection reset (RST) without an answer                                   |
    | truncate     | the head and half of the body, then a closed connection; after the commit      |
    | empty        | `status` without a body                                                        |
    | html         | `status` with a page of HTML                                                   |
    | stranger     | the answer to another customer; always after the commit                        |
    | redirect     | `status` and `location`                                                        |
    | hang         | nothing, until the client leaves                                               |
    | drip         | the head, then a byte of the body every fifth of a second; after the commit    |
    | bomb         | 200 MB of blanks as 200 KB of gzip                                             |
    | no_customers | a list without its customers; this and those below are always after the commit |
    | fewer        | a list without every other customer                                            |
    | no_next      | a list whose `next` is null                                                    |
    | next         | a list whose `next` is `location`                                              |
    | first_page   | the first page of the unfiltered list, whatever part was asked for             |

    Without `after_commit` the request never reaches the customers; with it, it does, and just the answer suffers.
    `methods` narrows it down (none: all); the first `skip` of them pass. `status` falls back to 503, 200 for empty and
    html, 302 for redirect.
    """

    kind: Kind | ListKind
    next: Count = 0
    skip: Count = 0
    probability: Probability = 0.0
    after_commit: bool = False
    methods: tuple[str, ...] = ()
    status: Status | None = None
    retry_after: str | None = None
    location: str = "http://elsewhere.invalid/"

    @property
    def commits(self) -> bool:
        """Whether the request is carried out before its answer suffers."""
        return self.after_commit or self.kind in ("truncate", "stranger", "drip", *get_args(ListKind))


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Forced:
    """What one customer's writes are answered (`reads`: reads too), the first `times` (None: always).

    The answer is an error object of `error` and `error_description` (None leaves the key out), or `body` verbatim,
    or with `drop` none at all. It comes instead of the write, or with `after_commit` after it.
    """

    status: Status = 400
    error: str | None = None
    error_description: str | None = None
    body: str | None = None
    drop: bool = False
    after_commit: bool = False
    reads: bool = False
    times: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Faults:
    """Everything that shall go wrong; the default is nothing.

    Latency is spent half before and half after the commit, so that a client that dies meanwhile may or may not have
    written. `rate_limit` is in requests per second (0 refuses all), answered 429 with `retry_after`: "seconds" and
    "date" say `retry_after_seconds`. Sessions expire after so many requests or seconds. `refuse_credentials` 401
    denies the login too, 403 only the requests. For `read_lag_seconds` after a write, reads show what was before it.
    Rate limit and strikes spare the login unless `strike_login`.
    """

    latency_ms: Amount = 0.0
    jitter_ms: Amount = 0.0
    rate_limit: Amount | None = None
    retry_after: Literal["seconds", "date", "garbage", "none"] = "seconds"
    retry_after_seconds: Count = 1
    session_requests: Count | None = None
    session_seconds: Amount | None = None
    refuse_credentials: Literal[401, 403] | None = None
    read_lag_seconds: Amount = 0.0
    strikes: tuple[Strike, ...] = ()
    forced: Mapping[str, Forced] = field(default_factory=dict)
    strike_login: bool = False
    seed: int = 0


_FAULTS = TypeAdapter(Faults)


class FaultsError(ValueError):
    """The JSON names no faults that the sandbox knows."""


def faults_from_json(text: str | bytes) -> Faults:
    """Read faults from a JSON object; what it does not name is off. Raises FaultsError on unknown or wrong keys."""
    try:
        return _FAULTS.validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise FaultsError(wrong) from None


def faults_to_json(faults: Faults) -> bytes:
    """Write faults as the JSON object that `faults_from_json` reads."""
    return _FAULTS.dump_json(faults)


class FaultPlan:
    """Faults at work: counts down, throws the dice of `seed`, and fills the bucket that the rate limit empties."""

    def __init__(self, faults: Faults, clock: Clock) -> None:
        self.faults = faults
        self._clock = clock
        self._random = random.Random(faults.seed)  # noqa: S311 - repeatable on purpose
        self._strikes_skipped = [0 for _ in faults.strikes]
        self._strikes_left = [strike.next for strike in faults.strikes]
        self._forced_left = {key: forced.times for key, forced in faults.forced.items() if forced.times is not None}
        self._tokens = max(1.0, faults.rate_limit or 0.0)
        self._filled_at = clock.monotonic()

    def delay_seconds(self) -> float:
        """Pick how long this request takes."""
        if not self.faults.jitter_ms:
            return self.faults.latency_ms / 1000
        return (self.faults.latency_ms + self._random.uniform(0, self.faults.jitter_ms)) / 1000

    def throttles(self) -> bool:
        """Say whether this request is one too many for this second; one that is not uses up its place."""
        limit = self.faults.rate_limit
        if not limit:
            return limit is not None
        now = self._clock.monotonic()
        self._tokens = min(max(1.0, limit), self._tokens + (now - self._filled_at) * limit)
        self._filled_at = now
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False

    def retry_after(self) -> str | None:
        """Say when to come back, in the form that the faults ask for; None for no header."""
        match self.faults.retry_after:
            case "seconds":
                return str(self.faults.retry_after_seconds)
            case "date":
                back = self._clock.now() + timedelta(seconds=self.faults.retry_after_seconds)
                return format_datetime(back, usegmt=True)
            case "garbage":
                return "soon"
            case "none":
                return None

    def strike(self, method: str) -> Strike | None:
        """Pick the first strike that hits this request, and count it."""
        for index, strike in enumerate(self.faults.strikes):
            if strike.methods and method not in strike.methods:
                continue
            if self._strikes_skipped[index] < strike.skip:
                self._strikes_skipped[index] += 1
                continue
            if self._strikes_left[index] > 0:
                self._strikes_left[index] -= 1
                return strike
            if strike.probability and self._random.random() < strike.probability:
                return strike
        return None

    def forced(self, reference: str | None, method: str) -> Forced | None:
        """Find what is forced upon this customer, and count it."""
        forced = self.faults.forced.get(reference) if reference is not None else None
        if forced is None or (method == "GET" and not forced.reads):
            return None
        left = self._forced_left.get(reference or "")
        if left is None:
            return forced
        self._forced_left[reference or ""] = left - 1
        return forced if left > 0 else None
