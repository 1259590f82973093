"""Says what becomes of each record of a page: a pure function of the page and of what is remembered."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from connectors.protocol import Row
from flows.ledger.record import Crossing, OpenReject, Remembered, Settlement, Stage
from flows.plan import Plan
from flows.preparation import Prepared
from mappings.finding import Finding


@dataclass(frozen=True, slots=True)
class Memory:
    """What the run and the ledger know about a page: claims by position, the target by reference, rejects by key."""

    claimed: AbstractSet[int]  # positions whose reference another record has already met
    known: Mapping[str, Remembered]
    repeated: AbstractSet[int]  # positions whose reference this same key has already met in this run
    trusted_run: int  # versions that runs before this one handled do not count, unless the run met them again
    fingerprint: str
    crossings: Mapping[str, Crossing]
    rejects: Mapping[str, OpenReject]
    unanswered: AbstractSet[str]  # references that an earlier run sent without an answer
    now: str


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

    def intent(self, prepared: Prepared, place: int) -> tuple[str, str]:
        """Give the reference and the source key of the row at this place of the list."""
        return self.rows[place].reference, prepared.page.keys[self.positions[place]]

    def drop(self, places: Container[int]) -> None:
        """Take out the rows at these places of the list."""
        kept = [place for place in range(len(self.rows)) if place not in places]
        self.rows = [self.rows[place] for place in kept]
        self.positions = [self.positions[place] for place in kept]


def decide(prepared: Prepared, memory: Memory, plan: Plan) -> Decision:
    """Say what becomes of each record, in their order."""
    newest = _newest(prepared)
    decision = Decision(rejected=memory.rejects)
    for position in prepared.kept:
        if _is_older(prepared, position, newest, memory) or _waits_already(prepared, position, memory):
            decision.unchanged += 1
        elif position in memory.claimed:
            decision.settlements.append(_not_unique(prepared, position, plan))
        elif position in prepared.settled:
            decision.unchanged += 1
        elif found := prepared.findings.get(position):
            decision.settlements.append(_invalid(prepared, position, *found))
        else:
            decision.add(position, _weigh(prepared, position, memory, plan))
    decision.settlements.extend(_left_out(prepared, memory))
    return decision


def _newest(prepared: Prepared) -> dict[str, int]:
    """Find the newest record of each key in the page, where records have versions; the last of equals."""
    versions = prepared.page.versions
    newest: dict[str, int] = {}
    if versions is None:
        return newest
    for position in prepared.kept:
        key = prepared.page.keys[position]
        if key not in newest or not versions[position] or versions[position] >= versions[newest[key]]:
            newest[key] = position
    return newest


def _is_older(prepared: Prepared, position: int, newest: Mapping[str, int], memory: Memory) -> bool:
    """Whether a newer version of this record has been handled or stands in this page; in doubt it is not older.

    A record with an open reject never is: what was handled of it did not reach the target.
    """
    versions = prepared.page.versions
    if versions is None:
        return False
    key, version = prepared.page.keys[position], versions[position]
    if newest[key] != position:
        return True
    known = memory.known.get(key)
    if known is None or not version or not known.version or key in memory.rejects:
        return False
    counts = known.run >= memory.trusted_run and known.fingerprint == memory.fingerprint
    return (counts or position in memory.repeated) and version < known.version


def _waits_already(prepared: Prepared, position: int, memory: Memory) -> bool:
    """Whether this run has met this very version before and deferred it; it has its line, and is settled there."""
    known = memory.known.get(prepared.page.keys[position])
    if known is None or prepared.page.versions is None or position not in memory.repeated:
        return False
    return known.outcome == "deferred" and known.version == prepared.page.versions[position] != ""


def settlement_of(prepared: Prepared, position: int, **more: object) -> Settlement:
    """Begin a settlement with what the page knows of the record; `more` are fields of Settlement."""
    page = prepared.page
    base: dict[str, object] = {
        "position": position,
        "source_key": page.keys[position],
        "reference": prepared.references.get(position),
        "line": page.lines[position] if page.lines is not None else None,
        "file": page.file,
        "version": page.versions[position] if page.versions is not None else None,
        "record_hash": prepared.hashes.get(position),
    }
    return Settlement(**(base | more))  # type: ignore[arg-type]  # the names are Settlement's own


def _invalid(prepared: Prepared, position: int, stage: Stage, findings: tuple[Finding, ...]) -> Settlement:
    return settlement_of(prepared, position, outcome="invalid", stage=stage, findings=findings)


def _not_unique(prepared: Prepared, position: int, plan: Plan) -> Settlement:
    _, others = prepared.findings.get(position, ("reference", ()))
    findings = (plan.system.finding("unique", plan.system.reference), *others)
    return _invalid(prepared, position, "reference", findings)


def _weigh(prepared: Prepared, position: int, memory: Memory, plan: Plan) -> Settlement | Row:
    """Compare a candidate with what the target last confirmed and what it last refused."""
    candidate = prepared.candidates[position]
    crossing = memory.crossings.get(candidate.reference)
    reject = memory.rejects.get(prepared.page.keys[position])
    if crossing is not None and crossing.row_hash == candidate.row_hash:
        return settlement_of(
            prepared,
            position,
            outcome="unchanged",
            row_hash=candidate.row_hash,
            target_id=crossing.target_id,
            closes_reject=reject is not None,
        )
    if reject is not None and _still_refused(reject, prepared.hashes[position], plan.fingerprint, memory.now):
        known = (Finding(reject.code, "", ""),) if reject.code else ()  # its words stay as they were first written
        return settlement_of(
            prepared, position, outcome="rejected", http_status=reject.http_status, findings=known, again=True
        )
    return Row(
        candidate.reference,
        candidate.payload,
        target_id=crossing.target_id if crossing else None,
        doubtful=candidate.reference in memory.unanswered,
    )


def _still_refused(reject: OpenReject, record_hash: bytes, fingerprint: str, now: str) -> bool:
    """Whether nothing changed since the target refused this customer, and its pause is not over."""
    return (
        reject.outcome == "rejected"
        and reject.record_hash == record_hash
        and reject.fingerprint == fingerprint
        and reject.due_at > now
    )


def _left_out(prepared: Prepared, memory: Memory) -> Iterable[Settlement]:
    """Close the rejects of customers that the filter now leaves out, and let go of those that were due."""
    due = prepared.number <= 0
    for position in prepared.filtered:
        if due or prepared.page.keys[position] in memory.rejects:
            yield settlement_of(prepared, position, outcome="filtered", closes_reject=True)
