"""Takes one page of customers from its preparation to its confirmation, over protocols alone; knows no Prefect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from connectors.delivery import Courier, Delivery
from connectors.protocol import ConfigurationError, Refusal, Row
from flows.decision import Decision, Memory, decide, settlement_of
from flows.ledger.ledger import Ledger
from flows.ledger.record import Counts, Opening, Remembered, Run, Settlement, moment_text
from flows.plan import Plan
from flows.preparation import Prepared
from flows.seen import Seen
from mappings.finding import CODES, Finding
from mappings.redaction import redact
from mappings.system import System

Steps = Callable[[str], None]

_END_OF_PAUSES = "9999"


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
    tries_at_once: bool = False  # though a reject's pause is not over
    as_it_stands: bool = False  # the source counts as it is now, though an earlier run handled what looks newer
    on_step: Steps = lambda _: None


async def process(prepared: Prepared, desk: Desk) -> Counts:
    """Decide, intend, send, record and confirm one page; returns the counts that the ledger confirmed."""
    ledger, run, number = desk.ledger, desk.run, prepared.number
    decision = decide(prepared, _recall(prepared, desk), desk.plan)
    desk.on_step("decided")
    opening = Opening(
        number=number,
        extracted=prepared.page.counted,
        unchanged=decision.unchanged,
        filtered=len(prepared.page.keys) - len(prepared.kept),
        cursor=prepared.page.cursor or "",
    )
    cursor = prepared.page.cursor
    watermark = (*desk.watermark, cursor) if desk.watermark and cursor is not None else None
    if decision.rows:
        await _deliver(prepared, decision, opening, desk)
        counts = ledger.confirm_page(run, number, watermark)
    else:
        counts = ledger.pass_page(run, opening, decision.settlements, watermark)
    desk.on_step("confirmed")
    return counts


async def _deliver(prepared: Prepared, decision: Decision, opening: Opening, desk: Desk) -> None:
    """Write the intents, send the rows, and record every answer."""
    intents = [
        (row.reference, prepared.page.keys[position])
        for row, position in zip(decision.rows, decision.positions, strict=True)
    ]
    desk.ledger.open_page(desk.run, opening, decision.settlements, intents)
    desk.on_step("intended")
    async with aclosing(desk.courier.deliver(decision.rows, desk.before_send)) as groups:
        async for group in groups:
            desk.on_step("answered")
            settlements = [_answered(prepared, decision, delivery, desk.plan) for delivery in group]
            desk.ledger.settle(desk.run, opening.number, settlements)
            desk.on_step("recorded")


def _recall(prepared: Prepared, desk: Desk) -> Memory:
    """Claim the page's references, and recall what the ledger knows of those that may be sent or are left out."""
    scope, keys = desk.run.scope, prepared.page.keys
    references = [item.reference for item in prepared.candidates.values()]
    unsettled = [keys[n] for n in range(len(keys)) if n not in prepared.settled]
    fresh = desk.ledger.remembered(scope, prepared.stale) if prepared.stale else {}
    known = {**prepared.known, **fresh}
    _refuse_shared_keys(prepared, known, desk.run)
    claimed, repeated = _claims(prepared, desk)
    return Memory(
        claimed=claimed,
        known=known,
        repeated=repeated,
        trusted_run=desk.run.number if desk.as_it_stands else 0,
        fingerprint=desk.plan.fingerprint,
        crossings=desk.ledger.crossings(scope, references),
        rejects=desk.ledger.open_rejects(scope, unsettled),
        unanswered=desk.run.unanswered,
        now=_END_OF_PAUSES if desk.tries_at_once else moment_text(desk.ledger.clock()),
    )


def _refuse_shared_keys(prepared: Prepared, known: Mapping[str, Remembered], run: Run) -> None:
    """Raise ConfigurationError where one key names two customers: the older one would be taken for an older version."""
    if prepared.page.versions is None:
        return
    met = {key: _stored(each.reference) for key, each in known.items() if each.run == run.number and each.reference}
    for position, reference in prepared.references.items():
        if met.setdefault(prepared.page.keys[position], _stored(reference)) != _stored(reference):
            raise ConfigurationError(
                "source.key does not name one record: two records of this run have one key and different references"
            )


def _stored(reference: str) -> str:
    """Write a reference as every ledger can keep it; PostgreSQL knows no NUL."""
    return reference.replace("\0", "\N{SYMBOL FOR NULL}")


def _claims(prepared: Prepared, desk: Desk) -> tuple[set[int], set[int]]:
    """Claim the references of the page; gives the positions that come too late, and those that come again.

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
    again = met & same
    if prepared.page.versions is not None:
        met &= ~same
    late, repeated = ({positions[place] for place in found.nonzero()[0].tolist()} for found in (met, again))
    return late, repeated


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
        return settlement_of(prepared, position, outcome="rejected", findings=findings, **common)
    known = row.target_id is not None or answer.created is False
    return settlement_of(
        prepared,
        position,
        outcome="updated" if known else "created",
        row_hash=prepared.candidates[position].row_hash,
        target_id=answer.target_id or row.target_id,
        closes_reject=prepared.page.keys[position] in decision.rejected,
        **common,
    )
