"""Every kind of system into every API: what arrives is what the two descriptions have in common, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from flows.summary import ExitCode
from mappings.proposal import propose, unproposed
from mappings.system import System, load_system
from tests.flows.system_place import APIS, SOURCES, Place, Sync, file_place, sandbox, table_place
from tests.flows.system_sample import NATIVE, WORDS, Common, at, shared

# What a target demands and a source may not have.
COMPLETION: dict[str, dict[str, Any]] = {
    "valomnia": {"name": {"const": "Nameless"}},
    "keypro": {},
    "jtl": {
        "CustomerGroupId": {"const": "Retailers"},
        "InternalCompanyId": {"const": "Sandbox Ltd"},
        "LanguageIso": {"const": "DE"},
        "BillingAddress.City": {"const": "Nowhere"},
        "BillingAddress.CountryIso": {"const": "DE"},
    },
    "tradevest": {"entityType": {"const": "LEGAL_ENTITY"}},
}
COLUMNS = tuple(NATIVE["csv"](0))


def described(kind: str) -> System | tuple[str, ...]:
    """Give what proposals are made from."""
    return COLUMNS if kind in {"csv", "database"} else load_system(kind)


def fields_for(source: str, target: str) -> dict[str, Any]:
    """Propose fields, and complete them with what the target demands beside."""
    system = load_system(target)
    proposed: dict[str, Any] = dict(propose(described(source), system))
    return proposed | {name: COMPLETION[target][name] for name in unproposed(system, proposed)}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Close what was opened."""
    with ExitStack() as opened:
        yield opened


def place_with_customers(kind: str, folder: Path, stack: ExitStack) -> Place:
    """Open a system of this kind with three customers that carry every field."""
    customers = [NATIVE[kind](number) for number in range(3)]
    if kind == "csv":
        return file_place(folder, customers)
    if kind == "database":
        return table_place(folder, customers)
    place = stack.enter_context(sandbox(kind))
    for customer in customers:
        place.add(customer)
    return place


def shown_in(place: Place) -> dict[str, Common]:
    """Read a system's customers in the common words."""
    if place.app is None:
        customers: list[Any] = [NATIVE[place.kind](number) for number in range(3)]
    else:
        customers = place.customers()
    common = [Common.of(place.kind, customer) for customer in customers]
    return {str(each.values["reference"]): each for each in common}


@pytest.mark.parametrize("target", APIS)
@pytest.mark.parametrize("source", SOURCES)
def test_what_both_know_arrives(source: str, target: str, tmp_path: Path, stack: ExitStack) -> None:
    """Three full customers: all arrive with every word that both sides have, and a second run sends nobody."""
    origin = place_with_customers(source, tmp_path, stack)
    goal = stack.enter_context(sandbox(target))
    sync = Sync(tmp_path, origin, goal, fields_for(source, target))
    summary = sync.run()
    assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 3), summary
    wanted, found = shown_in(origin), shown_in(goal)
    assert found.keys() == wanted.keys()
    for reference, customer in wanted.items():
        words = shared(source, target)
        assert {word: found[reference].values[word] for word in words} == {
            word: customer.values[word] for word in words
        }
    goal.app.journal.clear()  # type: ignore[union-attr]  # a sandbox has one
    again = sync.run()
    assert (again.counts.unchanged, goal.writes()) == (3, [])


@pytest.mark.parametrize("kind", APIS)
def test_a_system_into_itself_carries_every_field(kind: str, tmp_path: Path, stack: ExitStack) -> None:
    """Between two installations of one system every field that can be read and written comes through."""
    origin = place_with_customers(kind, tmp_path, stack)
    goal = stack.enter_context(sandbox(kind))
    summary = Sync(tmp_path, origin, goal).run()
    assert (summary.exit_code, summary.counts.created) == (ExitCode.DONE, 3), summary
    system = load_system(kind)
    carried = [name for name in system.sendable if name in system.columns]
    before, after = (
        {at(each, WORDS[kind]["reference"]): each for each in place.customers()} for place in (origin, goal)
    )
    assert before.keys() == after.keys()
    for reference, customer in before.items():
        for name in carried:
            place = system.columns[name] if kind != "tradevest" else name.split(".", maxsplit=1)[0]
            assert at(after[reference], place) == at(customer, place), name


@pytest.mark.parametrize("target", APIS)
@pytest.mark.parametrize("source", APIS)
def test_the_descriptions_share_what_the_sample_says(source: str, target: str) -> None:
    """The fields that are proposed are those whose words the test's own tables share."""
    if source == target:
        return
    system = load_system(target)
    meant = {system.meaning(name) for name in propose(load_system(source), system)}
    assert meant == set(shared(source, target))


def test_valomnia_to_jtl_and_back_changes_nothing_that_both_know(tmp_path: Path, stack: ExitStack) -> None:
    """Through another system and back into an empty one: the common words are as they were."""
    origin = place_with_customers("valomnia", tmp_path, stack)
    middle, goal = stack.enter_context(sandbox("jtl")), stack.enter_context(sandbox("valomnia"))
    there = Sync(tmp_path, origin, middle, fields_for("valomnia", "jtl"), "there")
    back = Sync(tmp_path, middle, goal, fields_for("jtl", "valomnia"), "back")
    assert [sync.run().counts.created for sync in (there, back)] == [3, 3]
    words = shared("valomnia", "jtl")
    before, after = shown_in(origin), shown_in(goal)
    assert {ref: {word: each.values[word] for word in words} for ref, each in after.items()} == {
        ref: {word: each.values[word] for word in words} for ref, each in before.items()
    }


def test_two_targets_from_one_source_side_by_side(tmp_path: Path, stack: ExitStack) -> None:
    """Two jobs over one file and one ledger keep their customers apart; a change reaches both, once each."""
    origin = place_with_customers("csv", tmp_path, stack)
    goals = [stack.enter_context(sandbox(kind)) for kind in ("jtl", "keypro")]
    jobs = [Sync(tmp_path, origin, goal, fields_for("csv", goal.kind), f"to-{goal.kind}") for goal in goals]
    assert [job.run().counts.created for job in jobs] == [3, 3]
    changed = [NATIVE["csv"](number) for number in range(3)]
    changed[1]["name"] = "Renamed"
    file_place(tmp_path, changed)
    assert [job.run().counts.updated for job in jobs] == [1, 1]
    for goal in goals:
        names = [Common.of(goal.kind, customer).values["name"] for customer in goal.customers()]
        assert names.count("Renamed") == 1
        assert len(names) == 3


@pytest.mark.parametrize("target", APIS)
def test_merging_into_a_target_that_holds_half_makes_no_duplicate(
    target: str, tmp_path: Path, stack: ExitStack
) -> None:
    """Customers that somebody else has entered before are updated, the others created, and nobody stands twice."""
    origin = place_with_customers("csv", tmp_path, stack)
    goal = stack.enter_context(sandbox(target))
    for number in (0, 2):
        kept = {"entityType": "LEGAL_ENTITY"} if target == "tradevest" else {}  # it could not be changed
        goal.add(NATIVE[target](number) | kept)
    before = len(goal.customers())
    summary = Sync(tmp_path, origin, goal, fields_for("csv", target)).run()
    assert (summary.exit_code, summary.counts.outcomes) == (ExitCode.DONE, 3), summary
    references = [at(customer, WORDS[target]["reference"]) for customer in goal.customers()]
    assert (before, len(references), len(set(references))) == (2, 3, 3)
    assert (summary.counts.created, summary.counts.updated) == (1, 2)


def matrix_row(source: str) -> str:
    """Write a line of the README's matrix."""
    cells = []
    for target in APIS:
        system = load_system(target)
        if source in {"csv", "database"}:
            cells.append(f"any of {len(system.sendable)}")
            continue
        proposed = propose(load_system(source), system)
        missing = unproposed(system, proposed)
        cells.append(f"{len(proposed)}" + (f" + {len(missing)}" if missing else ""))
    return f"| {source} | {' | '.join(cells)} |"


@pytest.mark.parametrize("source", SOURCES)
def test_the_matrix_of_the_readme_is_this_one(source: str) -> None:
    """README tells for each direction how many fields come through by themselves, and how many a job has to add."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert matrix_row(source) in readme
