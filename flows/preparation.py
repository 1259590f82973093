"""Takes an extracted page as far as it goes without deciding: filtered, short cut, checked, mapped, checked again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from connectors.protocol import Page
from flows.ledger.record import Remembered, Stage
from flows.plan import Plan
from flows.seen import Seen
from mappings.digest import payloads
from mappings.finding import Finding, merge
from mappings.mapping import Mapped
from mappings.schema import check

LONGEST_NAME = 512  # characters of a source key or a reference; PostgreSQL's indexes end at 2,704 bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that was mapped without a finding: its reference, its payload and the payload's hash.

    `cut` are the fields that the job had shortened.
    """

    reference: str
    payload: Mapping[str, object]
    row_hash: bytes
    cut: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page that is extracted, checked and mapped; what is keyed by position is so by the record's place in it."""

    number: int
    page: Page
    kept: Sequence[int]  # positions that the filter leaves in
    hashes: Mapping[int, bytes]
    known: Mapping[str, Remembered]
    settled: Mapping[int, str]  # unchanged at once: position -> reference
    candidates: Mapping[int, Candidate]
    findings: Mapping[int, tuple[Stage, tuple[Finding, ...]]]
    references: Mapping[int, str]  # of every record whose reference is readable
    stale: Sequence[str] = ()  # keys of which more may be known by now, for the page before had them as well

    @property
    def filtered(self) -> list[int]:
        """The positions that the filter leaves out."""
        kept = set(self.kept)
        return [position for position in range(len(self.page.keys)) if position not in kept]


def tell_apart(page: Page, met: Seen) -> Page:
    """Give records whose source repeats a key, and has no versions to order them by, a key of their own.

    Otherwise the second of two records would overwrite the first's line and its reject.
    """
    if page.versions is not None:
        return page
    keys = list(page.keys)
    places = page.lines if page.lines is not None else range(len(keys))
    repeated = met.claim(keys, keys)[0].nonzero()[0].tolist()
    while repeated:  # a key so made may be another record's own: it has to be claimed as well
        for n in repeated:
            keys[n] = f"{keys[n]}#{places[n]}"
        claims = [keys[n] for n in repeated]
        taken = met.claim(claims, claims)[0]
        repeated = [n for n, is_taken in zip(repeated, taken, strict=True) if is_taken]
    return replace(page, keys=keys)


def prepare(
    number: int,
    page: Page,
    plan: Plan,
    recall: Callable[[Sequence[str]], Mapping[str, Remembered]],
    busy: Collection[str],
) -> Prepared:
    """Leave out, short cut, check and map a page; touches the ledger only to recall.

    `busy` holds the source keys of the page in hand: what the ledger knows of them is about to change, so they take
    the whole way.
    """
    records = page.records
    kept = kept_positions(page, plan)
    keys = page.keys
    digests = plan.digester.records(records)
    known = recall([keys[position] for position in kept])
    with_files = _with_files(records, plan)
    settled: dict[int, str] = {}
    for position in kept:
        customer = known.get(keys[position])
        if (
            customer is not None
            and customer.record_hash == digests[position]
            and customer.fingerprint == plan.fingerprint
            and customer.holds
            and customer.reference is not None
            and position not in page.unreadable
            and position not in with_files
            and keys[position] not in busy
        ):
            settled[position] = customer.reference
    rest = [position for position in kept if position not in settled]
    candidates, findings, references = _mapped(page, rest, plan)
    return Prepared(
        number=number,
        page=page,
        kept=kept,
        hashes={position: digests[position] for position in rest},
        known=known,
        settled=settled,
        candidates=candidates,
        findings=findings,
        references=settled | references,
        stale=[key for key in keys if key in busy] if busy else (),
    )


def try_out(records: pd.DataFrame, plan: Plan) -> None:
    """Do to records all that preparing does to them, and forget it."""
    page = Page(records, [str(number) for number in range(len(records))], len(records), None)
    _mapped(page, range(len(records)), plan)


def _with_files(records: pd.DataFrame, plan: Plan) -> set[int]:
    """Find the records that name a file: it may have changed under the same name, so they take the whole way."""
    columns = plan.file_columns
    return set(records[columns].notna().any(axis=1).to_numpy().nonzero()[0].tolist()) if columns else set()


def kept_positions(page: Page, plan: Plan) -> list[int]:
    """List the positions that the filter leaves in; what could not be read is never left out."""
    if not plan.filter.allowed:
        return list(range(len(page.keys)))
    mask = plan.filter.mask(page.records)
    return [position for position in range(len(page.keys)) if mask[position] or position in page.unreadable]


def _mapped(
    page: Page, rest: Sequence[int], plan: Plan
) -> tuple[dict[int, Candidate], dict[int, tuple[Stage, tuple[Finding, ...]]], dict[int, str]]:
    """Check, map and check again; every record of `rest` comes out as a candidate or with findings."""
    findings: dict[int, tuple[Stage, tuple[Finding, ...]]] = {}
    for position in rest:
        if flaw := page.unreadable.get(position):
            findings[position] = ("extract", (Finding(flaw.code, flaw.field, flaw.description),))
    readable = [position for position in rest if position not in findings]
    if not readable:
        return {}, findings, {}
    records = page.records.iloc[readable].reset_index(drop=True)
    stopped = check(plan.source_schema, records)
    mapped = plan.mapper.apply(records)
    refused = check(plan.target_schema, mapped.rows)
    references = _references(mapped, plan)
    for place in [place for place, reference in references.items() if len(reference) > LONGEST_NAME]:
        long = Finding("too_long", plan.system.reference, f"a reference has at most {LONGEST_NAME} characters")
        findings[readable[place]] = ("check", (long,))
        del references[place]
    for place, found in merge(stopped, mapped.findings, refused).items():
        stage: Stage = "map" if place in mapped.findings and place not in stopped else "check"
        findings[readable[place]] = (stage, tuple(found))
    clean = [place for place, position in enumerate(readable) if position not in findings]
    values = payloads(mapped.rows, clean)
    candidates = {}
    for place, payload in zip(clean, values, strict=True):
        try:
            row_hash = plan.digester.payload(payload)
        except OSError:
            findings[readable[place]] = ("map", (Finding("unreadable_file", "", "the file can no longer be read"),))
        else:
            cut = tuple(name for name, places in mapped.cut.items() if place in places)
            candidates[readable[place]] = Candidate(references[place], payload, row_hash, cut)
    return candidates, findings, {readable[place]: reference for place, reference in references.items()}


def _references(mapped: Mapped, plan: Plan) -> dict[int, str]:
    column = mapped.rows[plan.system.reference]
    return {place: value for place, value in enumerate(column.to_list()) if isinstance(value, str) and value}
