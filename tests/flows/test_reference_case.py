"""References whose case means nothing to the target are one reference, from the source to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.summary import ExitCode
from tests.flows.system_place import Place, Sync, file_place, sandbox

ENTITY = "7d0a3c52-61de-4a0f-8a43-5f1b9f6c2e70"
OTHER = "aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb"
FIELDS = {
    "entityId": "no",
    "entityType": {"const": "LEGAL_ENTITY"},
    "labels": {"from": "labels", "convert": "split"},
}


@pytest.fixture
def platform() -> Iterator[Place]:
    """Serve tradevest without customers."""
    with sandbox("tradevest") as place:
        yield place


def sync(folder: Path, platform: Place, *customers: tuple[str, str]) -> Sync:
    """Make a job from a file of entities with their labels."""
    lines = [{"reference": str(n), "no": no, "labels": labels} for n, (no, labels) in enumerate(customers)]
    return Sync(folder, file_place(folder, lines), platform, FIELDS)


def held(platform: Place) -> dict[str, Any]:
    """Show the labels by entity."""
    return {str(each["entityId"]): each["labels"] for each in platform.customers()}


def test_two_spellings_of_one_entity_are_not_unique(tmp_path: Path, platform: Place) -> None:
    """The first record counts and the later one is invalid; neither is written over the other, in any run."""
    job = sync(tmp_path, platform, (ENTITY.upper(), "first"), (OTHER, "other"), (ENTITY, "second"))
    for created in (2, 0):
        summary = job.run()
        counts = summary.counts
        assert (counts.extracted, counts.created, counts.updated, counts.invalid) == (3, created, 0, 1)
        assert summary.exit_code is ExitCode.REJECTS
        assert held(platform) == {ENTITY: ["first"], OTHER: ["other"]}


def test_an_entity_in_upper_case_meets_its_customer(tmp_path: Path, platform: Place) -> None:
    """A customer that the platform holds is updated, found in the list or by itself, and none is created beside it."""
    entities = [f"{n:08x}-5a1e-4c0d-8f3b-9d2e6a7b8c90" for n in range(0xA0, 0xB0)]
    for entity in (*entities, OTHER):
        platform.add({"entityId": entity, "entityType": "LEGAL_ENTITY", "labels": ["old"], "refAccounts": []})
    listed = sync(tmp_path, platform, *((entity.upper(), "new") for entity in entities)).run()
    assert (listed.counts.extracted, listed.exit_code) == (len(entities), ExitCode.DONE)
    assert held(platform) == {**{entity: ["new"] for entity in entities}, OTHER: ["old"]}
    assert [write for write in platform.writes() if write.startswith("POST")] == []
