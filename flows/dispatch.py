"""Sends the rows of a page, parents before children, and turns the target's answers into outcomes; writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from connectors.delivery.courier import Delivery
from connectors.protocol import Refusal, Row
from flows.decision import Decision, settlement_of
from flows.desk import Desk
from flows.ledger.record import DONE, Settlement
from flows.lineup import Lineup
from flows.plan import Plan
from flows.preparation import Prepared
from mappings.finding import CODES, Finding
from mappings.redaction import redact
from mappings.system import System


async def dispatch(
    prepared: Prepared, decision: Decision, lineup: Lineup, desk: Desk
) -> AsyncIterator[list[Settlement]]:
    """Send the rows that are ready, then those whose parents have arrived; the others become `deferred`."""
    ready = lineup.ready
    while ready:
        freed: list[int] = []
        rows = [decision.rows[place] for place in ready]
        async with aclosing(desk.courier.deliver(rows, desk.before_send)) as groups:
            async for group in groups:
                desk.on_step("answered")
                settlements = [_answered(prepared, decision, ready, delivery, desk.plan) for delivery in group]
                desk.shortened.add([prepared.candidates[item.position] for item in settlements if item.outcome in DONE])
                yield settlements
                freed += lineup.accept([item.reference or "" for item in settlements if item.outcome in DONE])
        ready = freed
    if left := lineup.left():
        yield [defer(prepared, decision, place, desk) for place in left]


def defer(prepared: Prepared, decision: Decision, place: int, desk: Desk) -> Settlement:
    """Let a row wait for its parent."""
    position = decision.positions[place]
    desk.note_waiting(decision.rows[place], prepared.page.keys[position])
    closes = prepared.page.keys[position] in decision.rejected
    return settlement_of(prepared, position, outcome="deferred", stage="reference", closes_reject=closes)


def _finding(refusal: Refusal, row: Row, system: System) -> Finding:
    """Take personal values out of a refusal; a target may put a customer's words where code or field belong, too."""
    known = refusal.code in system.codes or refusal.code in CODES
    return Finding(
        code=refusal.code if known else redact(refusal.code, row.values, system),
        field=refusal.field if refusal.field in system.fields else "",
        description=redact(refusal.description, row.values, system),
    )


def _answered(prepared: Prepared, decision: Decision, sent: list[int], delivery: Delivery, plan: Plan) -> Settlement:
    """Turn the target's answer into the record's outcome; `sent` are the places of the rows in the decision."""
    place = sent[delivery.position]
    position, row = decision.positions[place], decision.rows[place]
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
