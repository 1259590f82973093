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
        if self.selection.replay:
            yield from self._again(self._to_replay())
            return
        after = self._start()
        self.whole = after is None and not self.selection.partial
        if after is not None and not self.selection.partial:
            yield from self._again(self.ledger.due_keys(self.run.scope))
        yield from enumerate(self.source.pages(after, size), 1)

    def _to_replay(self) -> list[str]:
        """Find whom a replay takes; says so where it is nobody."""
        code, scope = self.selection.code, self.run.scope
        if keys := self.ledger.replay_keys(scope, code):
            return keys
        if code is None:
            self.notify("nothing to replay: no reject is open, and no customer is deferred")
            return []
        known = ", ".join(f"{name} ({count:,})" for name, count in self.ledger.open_codes(scope).items())
        now = f"codes now: {known}" if known else "no reject is open at all"
        self.notify(f"nothing to replay: no open reject has the code {code}; {now}")
        return []

    def _again(self, asked: Sequence[str]) -> Iterator[Numbered]:
        """Read customers that are to be tried again, each after the one that holds its reference."""
        late = self.plan.system.finding("unique", self.plan.system.reference).code
        missing, read = set(asked), set[str]()
        number = 0
        for keys in self._turns(asked, late) if asked else ():
            again = read.copy()
            for page in self._read(keys):
                kept = [position for position, key in enumerate(page.keys) if key not in again]
                read.update(page.keys)
                missing.difference_update(page.keys)
                if kept:
                    yield -number, page if len(kept) == len(page.keys) else page.take(kept)
                    number += 1
        self.gone = self._surely_gone(missing)

    def _turns(self, asked: Sequence[str], late_code: str) -> list[list[str]]:
        return self.ledger.turns(self.run.scope, asked, late_code)

    def _read(self, keys: Sequence[str]) -> Iterator[Page]:
        """Read records by their keys. One that was told apart from its twins comes by the key that they share.

        All of its twins come then: what tells them apart is their place, and that may have changed.
        """
        asked, shared = set(keys), {key.rpartition("#")[0] for key in keys if "#" in key} - {""}
        met = Seen()
        pages = self.source.read_keys(sorted(asked | shared), self.plan.job.page_size) if asked else iter(())
        for page in pages:
            told = tell_apart(page, met)
            taken = [
                position
                for position, key in enumerate(told.keys)
                if key in asked or (key != page.keys[position] and page.keys[position] in shared)
            ]
            if taken:
                yield told if len(taken) == len(told.keys) else told.take(taken)

    def _surely_gone(self, missing: set[str]) -> list[str]:
        """Say who left the source. A line of a file that cannot be read may be anybody's, and then nobody has.

        A record without a key goes by a name that no source knows: that it was not found says nothing.
        """
        rejects = self.ledger.open_rejects(self.run.scope, sorted(missing))
        missing = {key for key in missing if key not in rejects or rejects[key].code != "missing_key"}
        if missing and self.plan.job.source.kind == "csv":
            pages = self.source.pages(None, self.plan.job.page_size)
            if any(page.unreadable for page in pages):
                self.notify("records that cannot be read stand in the source: who was not found may be among them")
                return []
        return sorted(missing)

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
