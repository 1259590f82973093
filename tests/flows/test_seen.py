"""The references a run has met."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.seen import Seen

pairs = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("12345")), max_size=40)


@given(pages=st.lists(pairs, max_size=12))
def test_claims_are_those_of_a_dictionary(pages: list[list[tuple[str, str]]]) -> None:
    """However the pages fall, a reference belongs to the first key that claimed it."""
    seen, owners = Seen(), dict[str, str]()
    for page in pages:
        met, same = seen.claim([reference for reference, _ in page], [key for _, key in page])
        for place, (reference, key) in enumerate(page):
            assert met[place] == (reference in owners)
            owner = owners.setdefault(reference, key)
            assert same[place] == (met[place] and owner == key)


def test_a_reference_costs_sixteen_bytes() -> None:
    """A hundred thousand references take 1.6 MB, in few runs."""
    seen = Seen()
    for page in range(100):
        names = [f"C-{page}-{number}" for number in range(1000)]
        met, _ = seen.claim(names, names)
        assert not met.any()
    held = [part.nbytes for run in seen._runs for part in run]
    assert sum(held) == 16 * 100_000
    assert len(seen._runs) <= 8
