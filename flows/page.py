"""Takes one page of customers from extraction to confirmation, over protocols alone; knows no Prefect and no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.delivery import Courier, Delivery
from connectors.protocol import Page, Refusal, Row
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts, Crossing, Opening, OpenReject, Remembered, Run, Settlement, Stage, moment_text
from flows.plan import Plan
from flows.seen import Seen
from mappings.digest import payloads
from mappings.finding import CODES, Finding, merge
from mappings.mapping import Mapped
from mappings.redaction import redact
from mappings.schema import check
from mappings.system import System

Steps = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A record that was mapped without a finding: its reference, its payload and the payload's hash."""

    reference: str
    payload: Mapping[str, object]
    row_hash: bytes


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

    @property
    def filtered(self) -> list[int]:
        """The positions that the filter leaves out."""
        kept = set(self.kept)
        return [position for position in range(len(self.page.keys)) if position not in kept]


@dataclass(slots=True)
class Decision:
    """What is to become of a page's records: settled ones, and rows to send with the positions they stand for."""

    settlements: list[Settlement] = field(default_factory=list)
    unchanged: int = 0
    rows: list[Row] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rejected: Collection[str] = ()  # the source keys with an open reject

    def add(self, position: int, verdict: Settlement | Row) -> None:
        """Take in what a candidate was weighed to be."""
        if isinstance(verdict, Row):
            self.rows.append(verdict)
            self.positions.append(position)
            return
        self.settlements.append(verdict)
        self.unchanged += verdict.outcome == "unchanged"


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the ledger knows of a page's candidates, by reference and by source key."""

    crossings: Mapping[str, Crossing]
    rejects: Mapping[str, OpenReject]
    now: str


@dataclass(slots=True)
class Desk:
    """What every page of a run is processed with."""

    plan: Plan
    ledger: Ledger
    run: Run
    courier: Courier
    seen: Seen
    before_send: Callable[[], None]
    watermark: tuple[str, str] | None = None  # source and filter, where this run moves it
    on_step: Steps = lambda _: None


def prepare(
    number: int, page: Page, plan: Plan, recall: Callable[[Sequence[str]], Mapping[str, Remembered]], busy: set[str]
) -> Prepared:
    """Leave out, short cut, check and map a page; touches the ledger only to recall.

    `busy` holds the source keys of the page in hand: what the ledger knows of them is about to change, so they take
    the whole way.
    """
    records = page.records
    kept = _kept(page, plan)
    keys = page.keys
    digests = plan.digester.records(records)
    known = recall([keys[position] for position in kept])
    settled: dict[int, str] = {}
    for position in kept:
        customer = known.get(keys[position])
        if (
            customer is not None
            and customer.record_hash == digests[position]
            and customer.fingerprint == plan.fingerprint
            and customer.reference is not None
            and position not in page.unreadable
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
    )


def _kept(page: Page, plan: Plan) -> list[int]:
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
    for place, found in merge(stopped, mapped.findings, refused).items():
        stage: Stage = "map" if place in mapped.findings and place not in stopped else "check"
        findings[readable[place]] = (stage, tuple(found))
    clean = [place for place, position in enumerate(readable) if position not in findings]
    values = payloads(mapped.rows, clean)
    candidates = {
        readable[place]: Candidate(references[place], payload, plan.digester.payload(payload))
        for place, payload in zip(clean, values, strict=True)
    }
    return candidates, findings, {readable[place]: reference for place, reference in references.items()}


def _references(mapped: Mapped, plan: Plan) -> dict[int, str]:
    column = mapped.rows[plan.system.reference]
    return {place: value for place, value in enumerate(column.to_list()) if isinstance(value, str) and value}


def decide(prepared: Prepared, desk: Desk, now: datetime) -> Decision:
    """Say what becomes of each record, in their order, from what the ledger and this run know."""
    claimed = _claims(prepared, desk)
    memory = _recall(prepared, desk, now)
    newest = _newest(prepared)
    decision = Decision(rejected=memory.rejects)
    for position in prepared.kept:
        if _is_older(prepared, position, newest):
            decision.unchanged += 1
        elif position in claimed:
            decision.settlements.append(_not_unique(prepared, position, desk, same_key=claimed[position]))
        elif position in prepared.settled:
            decision.unchanged += 1
        elif found := prepared.findings.get(position):
            decision.settlements.append(_invalid(prepared, position, *found))
        else:
            decision.add(position, _weigh(prepared, position, memory, desk.plan))
    decision.settlements.extend(_left_out(prepared, desk))
    return decision


def _recall(prepared: Prepared, desk: Desk, now: datetime) -> _Memory:
    references = [item.reference for item in prepared.candidates.values()]
    keys = [prepared.page.keys[position] for position in prepared.candidates]
    scope = desk.run.scope
    return _Memory(desk.ledger.crossings(scope, references), desk.ledger.open_rejects(scope, keys), moment_text(now))


def _claims(prepared: Prepared, desk: Desk) -> dict[int, bool]:
    """Claim the references of the page; yields the positions that come too late, and whether by the same key.

    Where records have versions, the same key again is not too late but a newer version of itself. A reference that
    could not be sent (`.`) is nobody's: it claims nothing, and each record that bears it is told so.
    """
    name = desk.plan.system.reference
    unusable = {
        position
        for position, (_, found) in prepared.findings.items()
        if any(finding.field == name for finding in found)
    }
    positions = [position for position in prepared.kept if position in prepared.references and position not in unusable]
    references = [prepared.references[position] for position in positions]
    met, same = desk.seen.claim(references, [prepared.page.keys[position] for position in positions])
    if prepared.page.versions is not None:
        met &= ~same
    return {positions[place]: bool(same[place]) for place in met.nonzero()[0].tolist()}


def _newest(prepared: Prepared) -> dict[str, int]:
    """Find the newest record of each key in the page, where records have versions; the last of equals."""
    versions = prepared.page.versions
    newest: dict[str, int] = {}
    if versions is None:
        return newest
    for position in prepared.kept:
        key = prepared.page.keys[position]
        if key not in newest or versions[position] >= versions[newest[key]]:
            newest[key] = position
    return newest


def _is_older(prepared: Prepared, position: int, newest: Mapping[str, int]) -> bool:
    """Whether a newer version of this record has been handled or stands in this page."""
    versions = prepared.page.versions
    if versions is None:
        return False
    key = prepared.page.keys[position]
    known = prepared.known.get(key)
    return newest[key] != position or bool(known and known.version and versions[position] < known.version)


def _settlement(prepared: Prepared, position: int, **more: object) -> Settlement:
    page = prepared.page
    base: dict[str, object] = {
        "position": position,
        "source_key": page.keys[position],
        "reference": prepared.references.get(position),
        "line": page.lines[position] if page.lines is not None else None,
        "version": page.versions[position] if page.versions is not None else None,
        "record_hash": prepared.hashes.get(position),
    }
    return Settlement(**(base | more))  # type: ignore[arg-type]  # the names are Settlement's own


def _invalid(prepared: Prepared, position: int, stage: Stage, findings: tuple[Finding, ...]) -> Settlement:
    return _settlement(prepared, position, outcome="invalid", stage=stage, findings=findings)


def _not_unique(prepared: Prepared, position: int, desk: Desk, *, same_key: bool) -> Settlement:
    finding = desk.plan.system.finding("unique", desk.plan.system.reference)
    _, others = prepared.findings.get(position, ("reference", ()))
    key = prepared.page.keys[position]
    if same_key:  # a second record under one key: it must not overwrite the line of the first
        place = prepared.page.lines[position] if prepared.page.lines is not None else position
        key = f"{key}#{place}"
    findings = (finding, *others)
    return _settlement(prepared, position, source_key=key, outcome="invalid", stage="reference", findings=findings)


def _weigh(prepared: Prepared, position: int, memory: _Memory, plan: Plan) -> Settlement | Row:
    """Compare a candidate with what the target last confirmed and what it last refused."""
    candidate = prepared.candidates[position]
    crossing = memory.crossings.get(candidate.reference)
    reject = memory.rejects.get(prepared.page.keys[position])
    if crossing is not None and crossing.row_hash == candidate.row_hash:
        return _settlement(
            prepared,
            position,
            outcome="unchanged",
            row_hash=candidate.row_hash,
            target_id=crossing.target_id,
            closes_reject=reject is not None,
        )
    if reject is not None and _still_refused(reject, prepared.hashes[position], plan.fingerprint, memory.now):
        return _settlement(prepared, position, outcome="rejected", http_status=reject.http_status, again=True)
    return Row(
        candidate.reference,
        candidate.payload,
        target_id=crossing.target_id if crossing else None,
        doubtful=crossing is not None and crossing.row_hash is None,
    )


def _still_refused(reject: OpenReject, record_hash: bytes, fingerprint: str, now: str) -> bool:
    """Whether nothing changed since the target refused this customer, and its pause is not over."""
    return (
        reject.outcome == "rejected"
        and reject.record_hash == record_hash
        and reject.fingerprint == fingerprint
        and reject.due_at > now
    )


def _left_out(prepared: Prepared, desk: Desk) -> Iterable[Settlement]:
    """Close the rejects of customers that the filter now leaves out."""
    filtered = prepared.filtered
    if not filtered:
        return
    keys = [prepared.page.keys[position] for position in filtered]
    rejected = desk.ledger.open_rejects(desk.run.scope, keys)
    for position in filtered:
        if prepared.page.keys[position] in rejected:
            yield _settlement(prepared, position, outcome="filtered", closes_reject=True)


async def process(prepared: Prepared, desk: Desk) -> Counts:
    """Decide, intend, send, record and confirm one page; returns the counts that the ledger confirmed."""
    ledger, run, number = desk.ledger, desk.run, prepared.number
    decision = decide(prepared, desk, ledger.clock())
    desk.on_step("decided")
    opening = Opening(
        number=number,
        extracted=prepared.page.counted,
        unchanged=decision.unchanged,
        filtered=len(prepared.page.keys) - len(prepared.kept),
        cursor=prepared.page.cursor,
    )
    intents = [
        (row.reference, prepared.page.keys[position])
        for row, position in zip(decision.rows, decision.positions, strict=True)
    ]
    ledger.open_page(run, opening, decision.settlements, intents)
    desk.on_step("intended")
    async for group in desk.courier.deliver(decision.rows, desk.before_send):
        desk.on_step("answered")
        ledger.settle(run, number, [_answered(prepared, decision, delivery, desk.plan) for delivery in group])
        desk.on_step("recorded")
    watermark = (*desk.watermark, prepared.page.cursor) if desk.watermark and number > 0 else None
    counts = ledger.confirm_page(run, number, watermark)
    desk.on_step("confirmed")
    return counts


def _finding(refusal: Refusal, row: Row, system: System) -> Finding:
    """Take personal values out of a refusal; a target may put a customer's words where code or field belong, too."""
    known = refusal.code in system.codes or refusal.code in CODES
    return Finding(
        code=refusal.code if known else redact(refusal.code, row.values, system),
        field=refusal.field if refusal.field in system.fields else "",
        description=redact(refusal.description, row.values, system),
    )


def _answered(prepared: Prepared, decision: Decision, delivery: Delivery, plan: Plan) -> Settlement:
    """Turn the target's answer into the record's outcome."""
    position = decision.positions[delivery.position]
    row = decision.rows[delivery.position]
    answer = delivery.answer
    common: dict[str, object] = {"http_status": answer.status, "tries": delivery.tries}
    if answer.refusals:
        findings = tuple(_finding(refusal, row, plan.system) for refusal in answer.refusals)
        return _settlement(prepared, position, outcome="rejected", findings=findings, **common)
    known = row.target_id is not None or answer.created is False
    return _settlement(
        prepared,
        position,
        outcome="updated" if known else "created",
        row_hash=prepared.candidates[position].row_hash,
        target_id=answer.target_id or row.target_id,
        closes_reject=prepared.page.keys[position] in decision.rejected,
        **common,
    )
