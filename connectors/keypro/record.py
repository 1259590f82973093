"""Says how Keypro's customers become records: the documented columns, keys, versions, and what a record may lack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.api.clock import is_ahead, read_update
from connectors.api.record import Form, Shown
from connectors.keypro.property import FIELDS, Properties, read_id
from connectors.moment import AMBIGUOUS, moment_text
from connectors.protocol import Page, Refusal


@dataclass(frozen=True, slots=True)
class Entry:
    """A customer as listed, by field; `key` names it (its id, where it has one).

    `ahead` says that its last update lies after the server's own time, and so cannot be true.
    """

    record: Mapping[str, object]
    key: str
    identified: bool
    updated: datetime | None
    ahead: bool

    @classmethod
    def of(cls, customer: Mapping[str, object], properties: Properties, answered: datetime | None) -> Entry:
        """Read id and last update; a record without an id is named by what it holds.

        `answered` is the server's time, in whole seconds as HTTP tells it.
        """
        record = properties.rename(customer)
        key = read_id(record.get("id"))
        updated = read_update(record.get("dateModified"))
        ahead = is_ahead(updated, answered)
        return cls(record, key or f"no id {_digest(record)}", key is not None, updated, ahead)


class Records:
    """The columns of one reading, and the pages made of what was listed."""

    def __init__(self, examples: Iterable[Mapping[str, object]] = ()) -> None:
        self._form = Form(FIELDS, examples)
        self.columns = self._form.columns

    def page(self, entries: Sequence[Entry], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record that lacks its id or its last update is in it, and unreadable."""
        if ahead := sum(entry.ahead for entry in entries):
            told = f"{ahead} {'record is' if ahead == 1 else 'records are'} dated after the source's clock"
            notice = told if notice is None else f"{notice}; {told}"
        return self._form.page(
            [Shown(entry.record, entry.key, _version(entry), _flaw(entry)) for entry in entries], cursor, notice
        )


def _version(entry: Entry) -> str:
    """Give a last update as a version; one that has not come yet is none, or the correction of it would look older."""
    return AMBIGUOUS if entry.updated is None or entry.ahead else moment_text(entry.updated)


def _flaw(entry: Entry) -> Refusal | None:
    if not entry.identified:
        return Refusal("missing_key", "id", "the record has no usable id")
    if entry.updated is None:
        return Refusal("cursor_missing", "dateModified", "dateModified is missing, or no time with a zone")
    return None


def _digest(record: Mapping[str, object]) -> str:
    content = json.dumps(record, sort_keys=True, default=str).encode()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
