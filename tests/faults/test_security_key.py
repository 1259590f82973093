"""A ledger whose key is not known to whoever has it, and a ledger that gets another key (FAULTS.md X22, X23)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import select

from flows.ledger import tables
from flows.ledger.key import check_value
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from mappings.digest import Digester
from tests.faults.target_api import APIS
from tests.faults.target_run import target_runs
from tests.flows.bench import Bench
from tests.state import own_state

ADDRESSES = [f"person{number}@canaries.example" for number in range(10_000)]
OTHER_KEY = "another key altogether"


def digests(ledger: Ledger) -> set[bytes]:
    """Collect every digest that a ledger holds."""
    with ledger.engine.connect() as connection:
        columns = (tables.customers.c.record_hash, tables.crosswalk.c.row_hash)
        return {bytes(each) for column in columns for each in connection.execute(select(column)).scalars() if each}


def with_key(key: bytes) -> list[bytes]:
    """Make the digests of the whole list as the ledger does: the thief knows all but whether he guessed the key."""
    numbers = [str(number) for number in range(len(ADDRESSES))]
    return Digester(key).records(pd.DataFrame({"no": numbers, "name": ADDRESSES}, dtype="str"))


def recovered(found: set[bytes], guesses: Iterable[bytes]) -> int:
    """Count the addresses that the list tells from the ledger."""
    return sum(each in found for each in guesses)


def test_x22_a_stolen_ledger_tells_no_address(bench: Bench) -> None:
    """Who has the ledger and a list of all addresses recovers none of them; with the key he would recover all."""
    bench.job = bench.job.replace("  billingCity: city\n", "").replace("page_size: 3", "page_size: 2000")
    bench.source.columns = ("no", "name")
    bench.source.records = [(f"{n}", "1", {"no": f"{n}", "name": address}) for n, address in enumerate(ADDRESSES)]
    assert bench.run().exit_code is ExitCode.DONE
    found = digests(bench.ledger)
    assert len(found) >= len(ADDRESSES)

    assert recovered(found, with_key(bench.ledger.key)) == len(ADDRESSES), "the search must be able to find them"
    seen = check_value(bench.ledger.key)  # all of the key that the ledger holds
    for guess in (seen.encode(), bytes.fromhex(seen), b"rollcall", b"\x00"):
        assert recovered(found, with_key(guess)) == 0
    makers: tuple[Callable[[bytes], bytes], ...] = (
        lambda data: hashlib.sha256(data).digest()[:16],
        lambda data: hashlib.blake2b(data, digest_size=16).digest(),
        lambda data: hashlib.blake2b(data, digest_size=16, key=bytes.fromhex(seen)).digest(),
    )
    for make in makers:
        assert recovered(found, [make(address.encode()) for address in ADDRESSES]) == 0


@pytest.mark.parametrize("kind", APIS)
def test_x23_another_key_sends_each_customer_once_more(kind: str, tmp_path: Path) -> None:
    """Taken over, a ledger knows whom it has sent but not what: one write each at most, nobody twice, then none."""
    with target_runs(tmp_path, kind) as runs:
        runs.records(*(f"Ada {number}" for number in range(20)))
        assert runs.run().exit_code is ExitCode.DONE
        held = runs.held
        runs.ledger.close()
        state = own_state(tmp_path, runs.name)
        runs.ledger = Ledger.open(state.url, {"ROLLCALL_KEY": OTHER_KEY}, runs.clock, rekey=True)
        assert runs.run().exit_code is ExitCode.DONE
        assert runs.held == held == runs.wanted
        sent = [each.reference for each in runs.writes()]
        assert len(sent) == len(set(sent)) <= 20
        assert runs.creations() == [] or not runs.api.creates
        assert runs.run().counts.unchanged == 20
        assert runs.writes() == []
