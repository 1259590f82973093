"""Decides what a job is deployed as, from its file and its command; asks nothing of Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.protocol import DivisibleSource
from flows.block import BlockName
from flows.connection import make_source, make_target
from flows.document import JobError, References, list_references
from flows.job import Job, load_job
from flows.ledger.engine import parse_url
from flows.plan import compile_job
from flows.state import KEY, STATE, STATE_FIRST, find_ledger, is_named

if TYPE_CHECKING:
    from sqlalchemy import URL


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command asks for beyond the job file."""

    pool: str = "rollcall"
    tags: tuple[str, ...] = ()
    name: str | None = None
    paused: bool | None = None
    state: str | None = None
    keeps_block: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be registered; `divisible` says that its source has key ranges.

    `variables` hold the ledger's address and key, where the job file does not.
    """

    job: Job
    wish: Wish
    target: str
    divisible: bool
    references: References
    variables: Mapping[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """The name of each deployment: the job's, unless another one is asked for."""
        return self.wish.name or self.job.job

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags to find it by."""
        kinds = (self.job.source.kind, self.job.target.kind)
        return tuple(dict.fromkeys(("rollcall", self.job.job, *kinds, *self.wish.tags)))

    def description(self, *, scheduled: bool) -> str:
        """Give what people read beside a deployment, be it the one with the schedule or not; it holds no secret."""
        job = self.job
        when = f"Schedule: `{job.schedule}`." if job.schedule and scheduled else "It has no schedule."
        return (
            f"Customers from **{job.source.kind}** to **{job.target.kind}** ({self.target}).\n\n"
            f"{when} Job file: `{job.path}`.\n\n"
            "What became of every customer is in the ledger: `rollcall runs`, `rollcall rejects` and `rollcall why`"
            " tell it."
        )

    @property
    def missing(self) -> tuple[str, ...]:
        """The variables that whoever runs it must have."""
        kept = () if self.wish.keeps_block else tuple(self.variables)
        return tuple(sorted({*self.references.variables, *kept}))

    @property
    def blocks(self) -> tuple[BlockName, ...]:
        """The blocks that the job file refers to."""
        return tuple(dict.fromkeys(each.block for each in self.references.blocks))


def place_order(path: Path, wish: Wish, environment: Mapping[str, str]) -> Order:
    """Check what can be checked without the systems, and settle the ledger; raises JobError and ConfigurationError."""
    job = load_job(path, environment)
    plan = compile_job(job, b"a check keeps no hash")
    target, _ = make_target(plan)
    source = make_source(plan)
    source.close()
    variables = _ledger_variables(job, wish.state, environment)
    return Order(job, wish, target.address, isinstance(source, DivisibleSource), list_references(path), variables)


def _ledger_variables(job: Job, given: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which a run finds the ledger that was named here, and its key."""
    if not is_named(job, given, environment):
        raise JobError(
            "a deployment needs a ledger of its own, whoever runs it: give --state or ROLLCALL_STATE,"
            " or ledger.url in the job file"
        )
    place = find_ledger(job, given, environment)
    url = _absolute(parse_url(place.url))
    if not place.environment.get(KEY):
        raise JobError(f"a deployment needs the ledger's key: set {KEY}, or ledger.key in the job file{_hint(url)}")
    variables = {}
    if job.ledger.url is None or given or environment.get(STATE_FIRST):
        variables[STATE if job.ledger.url is None else STATE_FIRST] = url.render_as_string(hide_password=False)
    if job.ledger.key is None:
        variables[KEY] = environment[KEY]
    return variables


def _absolute(url: URL) -> URL:
    """Make a SQLite path one that holds wherever the run begins; raises JobError for a ledger that is no file."""
    if url.get_backend_name() != "sqlite":
        return url
    if not url.database or url.database == ":memory:":
        raise JobError("a deployment needs a ledger that outlasts a run, and this one is kept in memory")
    return url.set(database=str(Path(url.database).resolve()))


def _hint(url: URL) -> str:
    file = Path(url.database or "").with_suffix(".key")
    return f"; the key of this ledger is in {file}" if url.get_backend_name() == "sqlite" and file.exists() else ""
