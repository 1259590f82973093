"""Lets one record alone have a reference, whichever partition of a migration meets it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from connectors.protocol import DivisibleSource, KeyRange, Source
from flows.ledger.claim import claim, disclaim
from flows.ledger.ledger import Ledger
from flows.ledger.record import Run
from flows.plan import Plan
from flows.preparation import kept_positions
from flows.seen import Mask, Seen

_NEVER_A_KEY = ("#", "\N{SYMBOL FOR NULL}")  # told apart from its twins, or stored otherwise: not to be looked up


@dataclass(frozen=True, slots=True)
class Holders:
    """The records that have references, as their source shows them now: a claim outlives the attempt that made it."""

    source: Source
    plan: Plan

    def gone(self, held: Mapping[str, str]) -> list[str]:
        """Say which references (with their holders' source keys) their holders have no longer.

        Only a source that looks a record up by its key is asked; raises its errors.
        """
        asked = {key for key in held.values() if not any(mark in key for mark in _NEVER_A_KEY)}
        if not asked or not isinstance(self.source, DivisibleSource):
            return []
        found: set[tuple[str, object]] = set()
        whole = self.source.part(KeyRange(None, None))  # the holder may stand in any partition
        try:
            whole.open()
            for page in whole.read_keys(sorted(asked), self.plan.job.page_size):
                references = self.plan.mapper.references(page.records)
                kept = kept_positions(page, self.plan)
                found.update((page.keys[position], references[position]) for position in kept)
        finally:
            whole.close()
        return [reference for reference, key in held.items() if key in asked and (key, reference) not in found]


@dataclass(slots=True)
class SharedSeen:
    """The references that a partition has met, each of them claimed in the ledger, where the others claim theirs."""

    ledger: Ledger
    run: Run
    others: Holders | None = None  # without it every claim stands
    own: Seen = field(default_factory=Seen)

    def claim(self, references: Sequence[str], keys: Sequence[str]) -> tuple[Mask, Mask]:
        """Claim references in order; tells for each whether another record has it, or it was met here before.

        The second answer says whether it was by this same key.
        """
        met, same = self.own.claim(references, keys)
        wanted = dict(zip(reversed(references), reversed(keys), strict=True))  # of each reference the first key
        holders = self._settled(wanted)
        theirs = (holders[reference] != key for reference, key in zip(references, keys, strict=True))
        elsewhere = np.fromiter(theirs, dtype=bool, count=len(references))
        return met | elsewhere, same & ~elsewhere

    def _settled(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Claim references, those anew whose holders have them no longer; gives who has each of them now."""
        holders = claim(self.ledger, self.run.scope, wanted)
        held = {reference: key for reference, key in holders.items() if key != wanted[reference]}
        if held and self.others is not None and (gone := self.others.gone(held)):
            disclaim(self.ledger, self.run.scope, {reference: held[reference] for reference in gone})
            holders |= claim(self.ledger, self.run.scope, {reference: wanted[reference] for reference in gone})
        return holders
