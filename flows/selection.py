"""Which of the source's customers one run takes: all that may have changed, unless somebody asks for others."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.document import JobError
from flows.ledger.record import Kind


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run was asked to take. A partial one moves no watermark and infers nothing from absence.

    `full` reads the source from its beginning; `since` from a moment on; `limit` stops after so many records; `only`
    takes the customer with this reference, and tries it at once though its reject may be waiting. `replay` takes those
    with open rejects and the deferred ones, or just those with an open reject of this `code`, and tries them at once.
    A `dry_run` takes the same as any, sends nothing and writes nothing.
    """

    full: bool = False
    since: datetime | None = None
    limit: int | None = None
    only: str | None = None
    replay: bool = False
    code: str | None = None
    dry_run: bool = False

    @property
    def kind(self) -> Kind:
        """What kind of run this is, in the ledger's word."""
        return "replay" if self.replay else "sync"

    @property
    def partial(self) -> bool:
        """Whether the run leaves the watermark alone."""
        return self.since is not None or self.limit is not None or self.only is not None or self.replay

    @property
    def tries_at_once(self) -> bool:
        """Whether customers were asked for by name: they are tried though the pauses of their rejects are not over."""
        return self.only is not None or self.replay

    @classmethod
    def of(
        cls,
        *,
        full: bool = False,
        since: str | None = None,
        limit: int | None = None,
        only: str | None = None,
        dry_run: bool = False,
    ) -> Selection:
        """Read what was asked for on a command line; raises JobError where it makes no sense."""
        if only is not None and (full or since or limit is not None):
            raise JobError("--only takes one customer; it goes with none of --full, --since and --limit")
        if full and since:
            raise JobError("--full reads everything and --since a part; choose one")
        if since is not None and not since.strip():
            raise JobError("--since needs a time")
        reference = unicodedata.normalize("NFC", only.strip()) if only is not None else None
        if reference == "":
            raise JobError("--only needs a reference")
        if limit is not None and limit < 1:
            raise JobError("--limit takes at least one record")
        return cls(full, read_time(since) if since else None, limit, reference, dry_run=dry_run)

    @classmethod
    def of_replay(cls, code: str | None = None) -> Selection:
        """Take the rejected and the deferred, or those rejected with a code; raises JobError for an empty one."""
        if code is not None and not code.strip():
            raise JobError("--code needs a reject's code; `rollcall rejects` lists them")
        return cls(replay=True, code=code.strip() if code else None)


EVERYTHING = Selection()


def read_time(text: str) -> datetime:
    """Read `2026-11-20`, `2026-11-20T08:00` or `2026-11-20T08:00+01:00`; without a zone it is UTC.

    Raises JobError.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise JobError(
            "--since takes a time such as 2026-11-20 or 2026-11-20T08:00+01:00 (UTC without a zone)"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
