"""Remembers which references a run has met, and in which records, at 16 bytes a reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

Digests = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


class Claims(Protocol):
    """Knows which record has which reference."""

    def claim(self, references: Sequence[str], keys: Sequence[str]) -> tuple[Mask, Mask]:
        """Claim references in order; tells for each whether it was met before, and whether by this same key."""


class Seen:
    """The references of one run as 8-byte digests, each with the digest of the source key that met it first.

    Held as sorted runs of doubling size, so that a million references cost 16 MB and a page a few searches. Two
    references share a digest with a chance of 3 in 100 million at a million references; the later one would be
    called `not_unique`, visibly, and never be sent as another.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Digests, Digests]] = []

    def claim(self, references: Sequence[str], keys: Sequence[str]) -> tuple[Mask, Mask]:
        """Claim references in order; tells for each whether it was met before, and whether by this same key."""
        if not references:
            return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
        wanted, owners = _digests(references), _digests(keys)
        met = np.zeros(len(wanted), dtype=bool)
        holder = owners.copy()
        for known, by in self._runs:
            place = np.searchsorted(known, wanted)
            place[place == len(known)] = 0
            hit = known[place] == wanted
            met |= hit
            holder[hit] = by[place[hit]]
        first, inverse = np.unique(wanted, return_index=True, return_inverse=True)[1:]
        repeated = first[inverse] != np.arange(len(wanted))
        holder[repeated & ~met] = owners[first[inverse]][repeated & ~met]
        self._add(wanted[~met & ~repeated], owners[~met & ~repeated])
        met |= repeated
        return met, met & (holder == owners)

    def _add(self, wanted: Digests, owners: Digests) -> None:
        if not len(wanted):
            return
        self._runs.append(_sorted(wanted, owners))
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (known, by), (newer, newer_by) = self._runs[-2:]
            self._runs[-2:] = [_sorted(np.concatenate([known, newer]), np.concatenate([by, newer_by]))]


def _sorted(wanted: Digests, owners: Digests) -> tuple[Digests, Digests]:
    order = np.argsort(wanted, kind="stable")
    return wanted[order], owners[order]


def _digests(texts: Sequence[str]) -> Digests:
    return pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
