"""Parents before children: who can be sent, who waits, and who goes round in a circle."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import given
from hypothesis import strategies as st

from connectors.protocol import Row
from flows.lineup import Lineup, find_cycles, find_ready

FIELDS = ("parent",)
NAMES = st.sampled_from("ABCDEFGH")
FAMILIES = st.dictionaries(NAMES, st.one_of(st.none(), NAMES, st.just("elsewhere")), min_size=1)


def lined_up(parents: dict[str, str | None], held: Collection[str] = ()) -> Lineup:
    """Line up customers, each with its parent."""
    rows = [Row(name, {"parent": parent}) for name, parent in parents.items()]
    return Lineup(rows, FIELDS, lambda wanted: set(wanted) & set(held))


def test_who_names_nobody_or_somebody_held_is_ready() -> None:
    """Without a parent, with one that the target holds, and with oneself, nothing is waited for."""
    lineup = lined_up({"A": None, "B": "P", "C": "C", "D": ""}, held=["P"])
    assert lineup.ready == [0, 1, 2, 3]
    assert lineup.hopeless() == lineup.left() == []


def test_children_of_the_page_follow_their_parents() -> None:
    """A child stands before its parent in the page and is sent after it; a grandchild after both."""
    lineup = lined_up({"C": "B", "B": "A", "A": None})
    assert lineup.ready == [2]
    assert lineup.hopeless() == []
    assert lineup.accept(["A"]) == [1]
    assert lineup.accept(["B"]) == [0]
    assert lineup.left() == []


def test_who_waits_for_another_page_waits_with_all_descendants() -> None:
    """A parent that is nowhere in the page keeps its children and their children back."""
    lineup = lined_up({"C": "B", "B": "gone", "A": None})
    assert lineup.hopeless() == [0, 1]
    assert lineup.left() == []


def test_children_of_a_refused_parent_are_left() -> None:
    """A parent that did not arrive leaves its children waiting."""
    lineup = lined_up({"A": None, "B": "A"})
    assert lineup.accept([]) == []
    assert lineup.left() == [1]


def test_only_circles_are_circles() -> None:
    """Who is its own ancestor goes round; who merely hangs on a circle, or leads nowhere, does not."""
    parents = {"A": {"B"}, "B": {"C"}, "C": {"A"}, "D": {"A"}, "E": {"gone"}, "F": {"E"}}
    assert find_cycles(parents) == {"A", "B", "C"}
    assert find_cycles({}) == set()


@given(FAMILIES)
def test_everybody_is_sent_after_the_parent_or_kept(parents: dict[str, str | None]) -> None:
    """Whatever the family: each row is ready, freed or kept exactly once, and never before its parent."""
    lineup = lined_up(parents)
    names = list(parents)
    kept = set(lineup.hopeless())
    sent: list[int] = []
    ready = lineup.ready
    while ready:
        for place in ready:
            parent = parents[names[place]]
            assert parent in {None, names[place]} or parent in {names[done] for done in sent}
        sent += ready
        ready = lineup.accept([names[place] for place in ready])
    kept |= set(lineup.left())
    assert sorted([*sent, *kept]) == list(range(len(names)))
    circles = find_cycles({name: {parent} for name, parent in parents.items() if parent and parent != name})
    assert circles <= {names[place] for place in lineup.left()}


def test_long_chains_and_circles_take_no_time() -> None:
    """A chain of 100,000 is no circle, one that is closed is one as a whole; both are told in about a second."""
    chain = {f"N{n}": [f"N{n + 1}"] for n in range(100_000)}
    assert find_cycles(chain) == set()
    assert find_cycles(chain | {"N100000": ["N0"]}) == {f"N{n}" for n in range(100_001)}
    assert len(find_ready({**chain, "N100000": []})) == 100_001
    assert find_ready(chain) == set()
