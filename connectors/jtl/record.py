"""Says how JTL-Wawi's customers become records: the documented columns, versions, and what a record may lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.api.record import Form, Shown
from connectors.jtl.listing import Entry
from connectors.jtl.name import ADDRESS, DOCUMENTED
from connectors.moment import AMBIGUOUS, moment_text
from connectors.protocol import Page, Refusal


class Records:
    """The columns of one reading, and the pages made of what was listed; `dated` says that records have versions."""

    def __init__(self, examples: Iterable[Mapping[str, object]] = (), *, dated: bool) -> None:
        self._form = Form(DOCUMENTED, examples, listed=ADDRESS)
        self._dated = dated
        self.columns = self._form.columns

    def page(self, entries: Sequence[Entry], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record that lacks its id, or the last change by which it is found, is unreadable in it."""
        ahead = sum(entry.ahead for entry in entries) if self._dated else 0
        if ahead:
            told = f"{ahead} {'record is' if ahead == 1 else 'records are'} dated after the source's clock"
            notice = told if notice is None else f"{notice}; {told}"
        shown = [Shown(entry.record, entry.key, self._version(entry), self._flaw(entry)) for entry in entries]
        return self._form.page(shown, cursor, notice)

    def _version(self, entry: Entry) -> str | None:
        """Give a last change as a version; one that has not come yet is none, or its correction would look older."""
        if not self._dated:
            return None
        return AMBIGUOUS if entry.updated is None or entry.ahead else moment_text(entry.updated)

    def _flaw(self, entry: Entry) -> Refusal | None:
        if not entry.identified:
            return Refusal("missing_key", "Id", "the record has no usable Id")
        if self._dated and entry.updated is None:
            return Refusal("cursor_missing", "LastChange", "LastChange is missing, or no time with a zone")
        return None
