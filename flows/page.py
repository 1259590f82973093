"""Takes one page of customers from its preparation to its confirmation, over protocols alone; knows no Prefect."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.protocol import ConfigurationError
from flows.decision import Decision, Memory, decide
from flows.desk import Desk
from flows.dispatch import defer, dispatch
from flows.ledger.record import Counts, Opening, Remembered, Run, moment_text
from flows.lineup import Lineup
from flows.preparation import Prepared

_END_OF_PAUSES = "9999"


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
    await desk.entities.fill(prepared, decision)
    if decision.rows:
        await _deliver(prepared, decision, opening, desk)
        counts = ledger.confirm_page(run, number, watermark)
    else:
        counts = ledger.pass_page(run, opening, decision.settlements, watermark)
    desk.on_step("confirmed")
    return counts


async def _deliver(prepared: Prepared, decision: Decision, opening: Opening, desk: Desk) -> None:
    """Write the intents, send the rows, and record every answer."""
    lineup = Lineup(decision.rows, desk.plan.parent_fields, desk.held)
    deferred = [defer(prepared, decision, place, desk) for place in lineup.hopeless()]
    intents = [decision.intent(prepared, place) for place in (*lineup.ready, *lineup.left())]
    desk.ledger.open_page(desk.run, opening, [*decision.settlements, *deferred], intents)
    desk.on_step("intended")
    async for settlements in dispatch(prepared, decision, lineup, desk):
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
