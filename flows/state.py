"""Decides which ledger a command works on, and which key it has; every command asks here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.document import JobError
from flows.job import Job
from flows.ledger.engine import parse_url

if TYPE_CHECKING:
    from flows.ledger.ledger import Ledger

STATE, KEY = "ROLLCALL_STATE", "ROLLCALL_KEY"
# What --state said, for a flow that is handed the job's name alone: it beats the job's own ledger, as --state does.
STATE_FIRST = "ROLLCALL_STATE_FIRST"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger is, and the variables among which its key is; both can be secret."""

    url: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)


def find_ledger(job: Job | None, given: str | None, environment: Mapping[str, str]) -> Place:
    """Choose the ledger: `--state`, the job's `ledger.url`, ROLLCALL_STATE, or `rollcall.db` beside the job file.

    Its key is the job's `ledger.key`, ROLLCALL_KEY, or in the file beside it. Raises JobError where an address is none.
    """
    own = job.ledger if job is not None else None
    if own is not None and own.key is not None:
        environment = {**environment, KEY: own.key.get_secret_value()}
    url = given or environment.get(STATE_FIRST)
    if not url and job is not None and own is not None and own.url is not None:
        url = _beside(job, own.url.get_secret_value())
    default = f"sqlite:///{job.folder / 'rollcall.db'}" if job is not None else "sqlite:///rollcall.db"
    return Place(url or environment.get(STATE) or default, environment)


def is_named(job: Job | None, given: str | None, environment: Mapping[str, str]) -> bool:
    """Say whether anybody named a ledger, or the default is meant."""
    return bool(given or environment.get(STATE_FIRST) or environment.get(STATE) or (job and job.ledger.url))


def open_ledger(job: Job, environment: Mapping[str, str], given: str | None = None, *, rekey: bool = False) -> Ledger:
    """Open the job's ledger to write to, and make it where there is none; raises JobError."""
    from flows.ledger.ledger import Ledger
    from flows.run import now

    place = find_ledger(job, given, environment)
    return Ledger.open(place.url, place.environment, now, rekey=rekey)


@contextmanager
def state_first(given: str | None, environment: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """Let what is run in this block, in this process or in one that it starts, take this ledger first."""
    if not given:
        yield
        return
    before = environment.get(STATE_FIRST)
    environment[STATE_FIRST] = given
    try:
        yield
    finally:
        if before is None:
            del environment[STATE_FIRST]
        else:
            environment[STATE_FIRST] = before


def _beside(job: Job, address: str) -> str:
    """Read a relative SQLite path as one beside the job file, as every path in it is."""
    try:
        url = parse_url(address)
    except JobError as error:
        raise JobError(str(error).replace("--state", "ledger.url")) from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return address
    return url.set(database=str(job.folder / url.database)).render_as_string(hide_password=False)
