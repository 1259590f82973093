"""The jobs that the pages about sources and targets print work as printed: by the command line, into the sandboxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.catalogue import open_sandbox
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.server import running
from tests.docs.job import VARIABLE
from tests.docs.page import SOURCE, TARGET, first_column, section_block, table
from tests.flows.command import Said, Shell
from tests.flows.printed_job import CHANGES, HELD, TITLES, Desk, check_arrived, filled

OUTCOMES = ("created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what was opened."""
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def desk(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Desk]:
    """Make a desk for a job of a page: serve what it names, and set its variables."""
    for name in ("ROLLCALL_STATE", "ROLLCALL_KEY", "PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def make(page: Path, kind: str, *, apps: Mapping[str, SandboxApp] | None = None) -> Desk:
        made = Desk(tmp_path, Shell(monkeypatch, capsys))
        made.take(page, kind)
        for system in TITLES:
            names = [n for n in VARIABLE.findall(made.job.read_text("utf-8")) if n.startswith(f"{system.upper()}_")]
            if not names:
                continue
            opened = open_sandbox(system)
            made.apps[system] = (apps or {}).get(system, opened.app)
            made.urls[system] = url = stack.enter_context(running(made.apps[system]))
            values = {"url": url, **opened.credentials}
            for name in names:
                value = values[name.removeprefix(f"{system.upper()}_").lower()]
                monkeypatch.setenv(name, value.format(base_url=url))
        return made

    return make


def counts(said: Said) -> dict[str, int]:
    """Read the outcomes that are not zero."""
    assert said.code == 0, said.err
    return {name: said.json[name] for name in OUTCOMES if said.json[name]}


@pytest.mark.parametrize("kind", TITLES)
def test_the_job_into_a_target_works_as_printed(kind: str, desk: Callable[..., Desk]) -> None:
    """All customers are created, the same again costs no request, and one that changes is the only one updated."""
    here = desk(TARGET, kind)
    assert here.rollcall("check", here.job).code == 0
    assert here.held(kind) == []
    assert counts(here.run()) == {"created": 3}
    check_arrived(here, kind)
    again = here.run()
    assert (counts(again), again.json["requests"]) == ({"unchanged": 3}, 0)
    assert here.writes(kind) == []
    old, new, reference = CHANGES[kind]
    here.change(here.customers_file, old, new)
    assert counts(here.run()) == {"updated": 1, "unchanged": 2}
    assert here.writes(kind) == [reference]
    check_arrived(here, kind)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (kind, cells[0].strip("`").removeprefix("target."))
        for kind in TITLES
        for cells in table(TARGET, f"{kind} key", "meaning", "default")
        if cells[2] == "required" and cells[0] != "`target.kind`"
    ],
)
def test_x02_a_job_that_lacks_a_key_says_which(kind: str, key: str, desk: Callable[..., Desk]) -> None:
    """Without a key that is required the job is refused by name, without a value, and nothing is asked for."""
    here = desk(TARGET, kind)
    (line,) = [each for each in here.job.read_text("utf-8").splitlines(keepends=True) if each.startswith(f"  {key}:")]
    here.change(here.job, line, "")
    for name in VARIABLE.findall(here.job.read_text("utf-8")):
        if not name.endswith("_URL"):
            here.rollcall.monkeypatch.setenv(name, "hunter2")
    said = here.rollcall("check", here.job)
    assert said.code == 2
    assert f"target.{key}: is required" in said.err
    assert "hunter2" not in said.err + said.out
    assert here.apps[kind].journal.entries == []


def test_two_ways_to_sign_in_to_jtl_are_told_apart(desk: Callable[..., Desk]) -> None:
    """Neither way, half of one, and both are each refused in words that name the keys."""
    here = desk(TARGET, "jtl")
    here.change(here.job, "  client_secret: ${JTL_CLIENT_SECRET}\n", "")
    assert "client_id and client_secret go together" in here.rollcall("check", here.job).err
    here.change(here.job, "  client_id: ${JTL_CLIENT_ID}\n", "")
    assert "client_secret (cloud) or api_key (on premises)" in here.rollcall("check", here.job).err


def test_an_installation_of_keypro_names_its_properties(desk: Callable[..., Desk]) -> None:
    """A server that calls them otherwise takes customers with the page's table of properties, and none without it."""
    names = {"customerNumber": "number", "customerName": "name", "customerEmail": "mail_address"}
    here = desk(TARGET, "keypro", apps={"keypro": keypro_app(KeyproSettings(names=names))})
    here.apps["keypro"].vendor.add({"number": "C-0", "name": "Who was there"})
    plain = here.run()
    assert (plain.code, here.writes("keypro")) == (2, [])
    assert "customerNumber" in plain.err
    here.change(
        here.job, "  token: ${KEYPRO_TOKEN}\n", f"  token: ${{KEYPRO_TOKEN}}\n  properties: {json.dumps(names)}\n"
    )
    assert counts(here.run()) == {"created": 3}
    held = {each["number"]: each["name"] for each in here.held("keypro")}
    assert held == {"C-0": "Who was there", "C-1": "Alpha Oy", "C-2": "Beta Ab", "C-3": "Gamma Oy"}


def test_a_bank_account_that_changes_is_refused_by_tradevest(desk: Callable[..., Desk]) -> None:
    """An update takes labels alone: another IBAN leaves the customer as it was, and is told as `not_updatable`."""
    here = desk(TARGET, "tradevest")
    assert counts(here.run()) == {"created": 3}
    before = here.held("tradevest")
    here.change(here.customers_file, "DE89370400440532013000", "DE02120300000000202051")
    said = here.run()
    assert (said.code, said.json["rejected"], said.json["unchanged"]) == (3, 1, 2)
    assert "not_updatable" in here.rollcall("rejects", here.job).out
    accounts = [each.get("refAccounts") for each in here.held("tradevest")]
    assert accounts == [each.get("refAccounts") for each in before]


def test_a_type_that_changes_is_refused_by_tradevest(desk: Callable[..., Desk]) -> None:
    """A type is for good: `not_updatable`."""
    here = desk(TARGET, "tradevest")
    assert counts(here.run()) == {"created": 3}
    here.change(here.customers_file, "01,person,", "01,company,")
    said = here.run()
    assert (said.code, said.json["rejected"], said.json["unchanged"]) == (3, 1, 2)
    assert "not_updatable" in here.rollcall("rejects", here.job).out


@pytest.mark.parametrize("kind", TITLES)
def test_the_job_out_of_a_source_works_as_printed(kind: str, desk: Callable[..., Desk]) -> None:
    """All customers arrive, the same again costs the target no request, and one that is new is the only one sent."""
    here = desk(SOURCE, kind)
    (target,) = here.apps.keys() - {kind}
    customer, reference, name = HELD[kind]
    numbers = {f"0b7d2c1e-5a64-4f0b-8f0a-3d6c6b0e1a0{n}": f"Name {n}" for n in range(4)}
    *first, last = (filled(customer, number, each) for number, each in numbers.items())
    for each in first:
        assert here.apps[kind].vendor.add(each).applied
    assert here.rollcall("check", here.job).code == 0
    assert here.held(target) == []
    assert counts(here.run()) == {"created": 3}
    again = here.run()
    assert (counts(again), again.json["requests"], here.writes(target)) == ({"unchanged": 3}, 0, [])
    assert here.apps[kind].vendor.add(last).applied
    assert counts(here.run()) == {"created": 1, "unchanged": 3}
    assert here.writes(target) == [list(numbers)[-1]]
    found = {each[reference]: each[name] if name else "" for each in here.held(target)}
    assert found == (numbers if name else dict.fromkeys(numbers, ""))
    assert here.writes(kind) == []


@pytest.mark.parametrize("kind", TITLES)
def test_since_tells_how_a_source_is_read(kind: str, desk: Callable[..., Desk]) -> None:
    """`--since` is refused where the page says that a run reads everything, and taken where it reads what changed."""
    here = desk(SOURCE, kind)
    (reads,) = [cells[1] for cells in table(SOURCE, "source", "a run reads", "by", "inferred") if cells[0] == kind]
    said = here.rollcall("run", here.job, "--since", "2026-01-01T00:00Z")
    assert said.code == (2 if reads.startswith("everything") else 0), said.err


def test_the_pages_have_a_section_for_each_system() -> None:
    """Each of the four is on both pages, as source and as target."""
    for kind, title in TITLES.items():
        assert section_block(TARGET, title, "csv").count("\n") == 4
        assert first_column(SOURCE, f"{kind} key", "meaning", "default")[0] == "source.kind"
