"""Reads what one run takes from its source: where it begins, which pages come, and whether they were everything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from connectors.moment import earlier, moment_text
from connectors.protocol import ConfigurationError, Page, Refusal, Source
from flows.document import JobError
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.plan import Plan
from flows.preparation import LONGEST_NAME, tell_apart
from flows.seen import Seen
from flows.selection import Selection
from mappings.reference import normal_text

Numbered = tuple[int, Page]


def refuse_unfit(selection: Selection, source: Source) -> None:
    """Raise JobError where the source cannot give what is asked for."""
    if selection.since is not None and not source.incremental:
        raise JobError(
            "--since needs a source that tells when a record was last updated: a file or a table does where"
            " source.updated_at names the column, and docs/source.md says which API does"
        )


@dataclass(slots=True)
class Extraction:
    """One run's reading. What it says of itself counts once its pages have come to their end."""

    plan: Plan
    source: Source
    ledger: Ledger
    run: Run
    selection: Selection
    notify: Callable[[str], None]
    whole: bool = False  # every record of the source is to be read
    ended: bool = False  # and all that was to be read was read
    readable: bool = True  # and each record could be told by its key
    gone: list[str] = field(default_factory=list)  # source keys that were asked for, and are no longer there

    @property
    def complete(self) -> bool:
        """Whether a record that was not met is not there."""
        return self.whole and self.ended and self.readable

    @property
    def watermark(self) -> tuple[str, str] | None:
        """The source and the filter whose watermark the run moves; None where it moves none."""
        moves = self.source.incremental and not self.selection.partial
        return (self.source.address, self.plan.filter_name) if moves else None

    def pages(self) -> Iterator[Numbered]:
        """Yield the pages: 0 and below for customers that are due again, then the source's own from 1 on.

        Pages of a partial run have no cursor. Raises the connectors' errors, and LedgerError for a watermark that
        cannot be one.
        """
        met = Seen()
        for number, page in self._limited(self._chosen()):
            if page.notice:
                self.notify(page.notice)
            self.readable &= not page.unreadable
            told = tell_apart(_with_fitting_keys(page), met)
            yield number, replace(told, cursor=None) if self.selection.partial else told
        self.ended = True

    def _chosen(self) -> Iterator[Numbered]:
        size = self.plan.job.page_size
        if self.selection.only is not None:
            only = normal_text(self.selection.only, self.plan.system.reference_case)
            yield from enumerate(self._pages_of(only, size), 1)
            return
        after = self._start()
        self.whole = after is None and not self.selection.partial
        if after is not None and not self.selection.partial:
            for number, page in enumerate(self._due(size)):
                yield -number, page
        yield from enumerate(self.source.pages(after, size), 1)

    def _due(self, size: int) -> Iterator[Page]:
        """Read the customers that are to be tried again, each after the one that holds its reference."""
        due = self.ledger.due_keys(self.run.scope)
        owners = self.ledger.owners(self.run.scope, due) if due else []
        waiting = set(due)
        for keys in (owners, [key for key in due if key not in set(owners)]):
            for page in self.source.read_keys(keys, size) if keys else ():
                waiting.difference_update(page.keys)
                yield page
        self.gone = sorted(waiting)

    def absent(self, keys: Sequence[str]) -> list[str]:
        """Say which of these records the source no longer has, once all pages were read."""
        if not keys or not self.source.incremental:
            return list(keys)
        # an incremental reading ends before the source's present moment: who was just changed is not met, yet there
        found = {key for page in self.source.read_keys(keys, self.plan.job.page_size) for key in page.keys}
        return [key for key in keys if key not in found]

    def _start(self) -> str | None:
        """Find the cursor to read on from; None reads everything."""
        if self.selection.since is not None:
            return moment_text(self.selection.since)
        if self.selection.full or not self.source.incremental:
            return None
        mark = self.ledger.watermark(self.run.scope, self.source.address, self.plan.filter_name)
        if mark is None:
            return None
        if mark.fingerprint != self.plan.fingerprint:
            self.notify("the mapping, or what names and orders the records, has changed: this run reads every customer")
            return None
        return earlier(mark.cursor, self.source.overlap) if self.source.overlap else mark.cursor

    def _limited(self, pages: Iterator[Numbered]) -> Iterator[Numbered]:
        """Cut the pages off after so many records."""
        rest = self.selection.limit
        for number, page in pages:
            if rest is None:
                yield number, page
                continue
            kept = range(min(rest, len(page.keys)))
            yield number, page.take(kept)
            rest -= len(kept)
            if not rest:
                return

    def _pages_of(self, reference: str, size: int) -> Iterator[Page]:
        """Find the customer: by the source key that the ledger knows, and where that is another's now, by a search."""
        known = self.ledger.keys_of(self.run.scope, reference)
        found = False
        for keys in (known[:1], known[1:]):  # first the record that the reference was last sent for
            for page in self._with(reference, self.source.read_keys(keys, size) if keys else iter(())):
                found = True
                yield page
            if found:
                return
        self.notify("the ledger does not know where this customer stands; searching the whole source")
        for page in self._with(reference, self.source.pages(None, size)):
            found = True
            yield page
        if not found:
            raise ConfigurationError("no customer of the source has this reference (--only)")

    def _with(self, reference: str, pages: Iterator[Page]) -> Iterator[Page]:
        for page in pages:
            references: Sequence[object] = self.plan.mapper.references(page.records)
            hits = [
                position
                for position, found in enumerate(references)
                if found == reference and position not in page.unreadable
            ]
            if hits:
                yield page.take(hits)


def _with_fitting_keys(page: Page) -> Page:
    """Give keys that no index could hold a short form; such a record is unreadable, and costs no other one anything."""
    long = {position: key for position, key in enumerate(page.keys) if len(key) > LONGEST_NAME}
    if not long:
        return page
    keys, flaw = list(page.keys), Refusal("missing_key", "", f"the key has more than {LONGEST_NAME} characters")
    for position, key in long.items():
        keys[position] = f"too long: {hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"
    return replace(page, keys=keys, unreadable={**page.unreadable, **dict.fromkeys(long, flaw)})
