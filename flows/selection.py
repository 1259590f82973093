"""Which of the source's customers one run takes: all that may have changed, unless somebody asks for others."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from flows.document import JobError


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run was asked to take. A partial one moves no watermark and infers nothing from absence.

    `full` reads the source from its beginning; `since` from a moment on; `limit` stops after so many records; `only`
    takes the customer with this reference, and tries it at once though its reject may be waiting.
    """

    full: bool = False
    since: datetime | None = None
    limit: int | None = None
    only: str | None = None

    @property
    def partial(self) -> bool:
        """Whether the run leaves the watermark alone."""
        return self.since is not None or self.limit is not None or self.only is not None

    @classmethod
    def of(
        cls, *, full: bool = False, since: str | None = None, limit: int | None = None, only: str | None = None
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
        return cls(full, read_time(since) if since else None, limit, reference)


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
