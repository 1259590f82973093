"""Who a target holds is found out with as few requests as can be, and nobody is called absent who may be there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.delivery import directory as module
from connectors.delivery.directory import Directory
from connectors.protocol import PermanentError, Roll, TransientError

DAY = 86_400.0


class Lister:
    """A list in parts; `asked` notes the cursors, `now` is the time, `fails` lets the next so many questions fail."""

    def __init__(
        self, ids: Mapping[str, tuple[str, ...]], part: int, *, steady: bool = True, tells_total: bool = True
    ) -> None:
        self.tells_tail = False
        self.ids = dict(ids)
        self.part = part
        self.steady = steady
        self.tells_total = tells_total
        self.asked: list[str | None] = []
        self.now = 0.0
        self.fails = 0
        self.directory = Directory(self.ask, lambda: self.now)

    async def ask(self, cursor: str | None) -> Roll:
        """Show a part."""
        self.asked.append(cursor)
        if self.fails:
            self.fails -= 1
            raise TransientError("lister: no answer")
        start = int(cursor or 0)
        shown = dict(list(self.ids.items())[start : start + self.part])
        following = str(start + self.part) if start + self.part < len(self.ids) else None
        total = sum(map(len, self.ids.values())) if self.tells_total else None
        tail = str(len(self.ids)) if self.tells_tail and following is None else None
        return Roll(shown, following, self.steady, total, tail)

    def consult(self, *references: str) -> int:
        """Consult; gives how many questions that cost."""
        before = len(self.asked)
        asyncio.run(self.directory.consult(references))
        return len(self.asked) - before


def holding(count: int, part: int = 10, *, steady: bool = True, tells_total: bool = True) -> Lister:
    """Make a list of so many customers, H-0 and on."""
    ids = {f"H-{number}": (str(number),) for number in range(count)}
    return Lister(ids, part, steady=steady, tells_total=tells_total)


def absent(count: int) -> list[str]:
    """Name so many that nobody holds."""
    return [f"A-{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("held", "wanted", "questions"),
    [
        (0, 0, 0),
        (0, 1, 0),  # one question either way: the one about the customer tells more
        (0, 2, 1),
        (10, 2, 1),
        (100, 2, 1),  # nine more parts would cost more than two questions
        (100, 9, 1),
        (100, 10, 10),
        (100, 1000, 10),
    ],
)
def test_the_list_is_read_while_it_is_cheaper(held: int, wanted: int, questions: int) -> None:
    """A part of the list is asked for only while fewer parts are left than references unknown."""
    assert holding(held).consult(*absent(wanted)) == questions


def test_reading_ends_once_everybody_is_found() -> None:
    """With all references known there is nothing more to ask for."""
    lister = holding(100)
    assert lister.consult(*[f"H-{number}" for number in range(10)]) == 1
    assert lister.directory.ids("H-3") == ("3",)
    assert lister.consult("H-3", "H-4", "H-5") == 0


def test_reading_goes_on_where_it_ended() -> None:
    """A later delivery reads the parts that are left, and none twice."""
    lister = holding(100)
    lister.consult(*absent(10))
    lister.consult(*absent(100))
    assert lister.asked == [None, *(str(start) for start in range(10, 100, 10))]
    assert lister.consult(*absent(100)) == 0


def test_a_list_without_a_length_is_not_read_for_ever() -> None:
    """It costs at most half as many questions as there are references, and one."""
    lister = holding(10_000, tells_total=False)
    assert lister.consult(*absent(20)) == 11
    assert lister.consult(*absent(2)) == 2


def test_a_list_that_excludes_nobody_is_read_half_as_far() -> None:
    """Where parts may move, those who are in none have to be asked for all the same."""
    assert holding(100, steady=False).consult(*absent(10)) == 6


def test_a_length_that_is_a_lie_costs_no_more_than_the_questions() -> None:
    """A list that says to be at its end, and goes on and on, is read as often as there are references, and no more."""
    lister = holding(1000, 1)

    async def ask(cursor: str | None) -> Roll:
        shown = await lister.ask(cursor)
        return Roll(shown.ids, shown.cursor, steady=True, total=1)

    asyncio.run(Directory(ask, lambda: 0.0).consult(absent(30)))
    assert len(lister.asked) == 30


@given(
    held=st.integers(0, 60),
    part=st.integers(1, 20),
    wanted=st.integers(0, 60),
    steady=st.booleans(),
    tells_total=st.booleans(),
)
def test_the_list_never_costs_much_more_than_it_saves(
    held: int, part: int, wanted: int, *, steady: bool, tells_total: bool
) -> None:
    """Both together are at most the single questions and one; half as many again where the list proves little."""
    lister = holding(held, part, steady=steady, tells_total=tells_total)
    references = [f"H-{number}" for number in range(wanted // 2)] + absent(wanted - wanted // 2)
    questions = lister.consult(*references)
    left = [each for each in references if not lister.directory.ids(each) and not lister.directory.excludes(each)]
    assert questions + len(left) <= wanted * (1.0 if steady and tells_total else 1.5) + 1
    for number in range(wanted // 2):
        assert lister.directory.ids(f"H-{number}") in ((), (str(number),))
        assert number >= held or not lister.directory.excludes(f"H-{number}")


def test_who_is_in_no_part_is_certainly_absent() -> None:
    """Only a list that was read to its end says so, and only of those that it does not show."""
    lister = holding(20)
    assert not lister.directory.excludes("A-0")
    lister.consult(*absent(30))
    assert lister.directory.excludes("A-0")
    assert not lister.directory.excludes("H-0")


def test_a_list_that_was_read_in_part_excludes_nobody() -> None:
    """Whoever is missing may be in the rest."""
    lister = holding(100)
    lister.consult(*absent(2))
    assert not lister.directory.excludes("A-0")


@pytest.mark.parametrize(("held", "excludes"), [(10, True), (11, False)])
def test_parts_that_may_move_exclude_nobody(held: int, *, excludes: bool) -> None:
    """A list whose parts do not fit together tells who is absent only if it is one part."""
    lister = holding(held, steady=False)
    lister.consult(*absent(30))
    assert lister.directory.excludes("A-0") is excludes
    assert lister.directory.ids("H-9") == ("9",)


@pytest.mark.parametrize(("seconds", "excludes"), [(29, True), (31, False)])
def test_what_was_read_long_ago_excludes_nobody(seconds: float, *, excludes: bool) -> None:
    """After half a minute, counted from the first part, somebody else may have created the customer."""
    lister = holding(20)
    lister.consult(*absent(30))
    lister.now = seconds
    assert lister.directory.excludes("A-0") is excludes
    assert lister.directory.ids("H-0") == ("0",)


def test_the_age_of_a_list_is_that_of_its_first_part() -> None:
    """What was read a day ago is not made fresh by the part that was read now."""
    lister = holding(30)
    lister.consult(*absent(2))
    lister.now = DAY
    lister.consult(*absent(30))
    assert lister.asked == [None, "10", "20"]
    assert not lister.directory.excludes("A-0")


def test_a_list_with_a_tail_is_read_on_at_each_consultation() -> None:
    """One question shows who was created since, and makes absence as fresh as it is, however old the list."""
    lister = holding(20)
    lister.tells_tail = True
    assert lister.consult(*absent(30)) == 2
    lister.ids["A-3"] = ("77",)
    assert lister.consult(*absent(30)) == 1
    assert (lister.directory.ids("A-3"), lister.directory.excludes("A-3")) == (("77",), False)
    lister.now = DAY
    assert lister.consult(*absent(30)) == 1
    assert lister.asked == [None, "10", "20", "21"]
    assert lister.directory.excludes("A-4")
    lister.now += 31
    assert not lister.directory.excludes("A-4")


def test_a_tail_that_has_grown_is_read_to_its_end() -> None:
    """Until then nobody is excluded; a failure in between is made up for by the next consultation."""
    lister = holding(20)
    lister.tells_tail = True
    lister.consult(*absent(30))
    lister.ids |= {f"N-{number}": (f"n{number}",) for number in range(25)}
    lister.fails = 1
    assert lister.consult(*absent(30)) == 1
    assert not lister.directory.excludes("A-0")
    assert lister.consult(*absent(30)) == 3
    assert lister.directory.excludes("A-0")
    assert lister.directory.ids("N-24") == ("n24",)


def test_one_unknown_reference_is_asked_for_not_read_on_for() -> None:
    """The question about the customer costs no more than the one for the tail, and tells more."""
    lister = holding(20)
    lister.tells_tail = True
    lister.consult(*absent(30))
    assert lister.consult("A-0") == 0
    assert not lister.directory.excludes("A-0")


@pytest.mark.parametrize("steady", [True, False])
def test_a_list_of_one_part_is_read_again_after_seconds(*, steady: bool) -> None:
    """Whoever came meanwhile is noticed, and absence is proved anew."""
    lister = holding(5, steady=steady)
    lister.consult(*absent(30))
    lister.now = 4
    assert lister.consult(*absent(30)) == 0
    assert lister.directory.excludes("A-3")
    lister.ids["A-3"] = ("77",)
    lister.now = 6
    assert lister.consult(*absent(30)) == 1
    assert (lister.directory.ids("A-3"), lister.directory.excludes("A-4")) == (("77",), True)
    lister.now = DAY
    assert lister.consult("H-0", "A-3") == 0
    assert lister.consult(*absent(30)) == 1
    assert lister.directory.excludes("A-4")


def test_a_steady_list_without_a_tail_is_read_again_where_that_is_cheaper() -> None:
    """Several parts prove absence again only if there are no more of them than references unknown."""
    lister = holding(50)
    assert lister.consult(*absent(30)) == 5
    lister.now = DAY
    assert lister.consult(*absent(4)) == 0
    assert not lister.directory.excludes("A-0")
    assert lister.consult(*absent(5)) == 5
    assert lister.directory.excludes("A-0")


def test_parts_that_may_move_are_not_read_again() -> None:
    """They would prove nothing the second time either."""
    lister = holding(11, steady=False)
    assert lister.consult(*absent(30)) == 2
    lister.now = DAY
    assert lister.consult(*absent(30)) == 0


def test_a_list_of_one_part_that_grew_proves_nothing_any_more() -> None:
    """Parts that may move exclude nobody from then on, and are read once."""
    lister = holding(0, steady=False)
    lister.consult(*absent(30))
    lister.ids |= {f"N-{number}": (f"n{number}",) for number in range(11)}
    lister.now = DAY
    assert lister.consult(*absent(30)) == 2
    assert not lister.directory.excludes("A-0")
    assert lister.consult(*absent(30)) == 0


def test_it_says_when_absence_is_to_be_proved_anew() -> None:
    """Twenty seconds after a consultation, so that there is time left to do it."""
    lister = holding(5)
    assert lister.directory.is_due
    lister.consult(*absent(30))
    lister.now = 19
    assert not lister.directory.is_due
    lister.now = 20
    assert lister.directory.is_due


def test_a_reference_with_several_ids_shows_them_all() -> None:
    """Twins are told, in one part or in two, and the same id shown twice is one."""
    lister = Lister({"T": ("1", "2"), "U": ("3",)}, 2)
    lister.consult("T", "U", "V")
    assert (lister.directory.ids("T"), lister.directory.ids("U"), lister.directory.ids("V")) == (("1", "2"), ("3",), ())

    parts = iter([Roll({"T": ("1",)}, "a", steady=True), Roll({"T": ("1", "2")}, None, steady=True)])

    async def ask(_cursor: str | None) -> Roll:
        return next(parts)

    moving = Directory(ask, lambda: 0.0)
    asyncio.run(moving.consult(absent(5)))
    assert moving.ids("T") == ("1", "2")


def test_answers_are_kept() -> None:
    """Who was written under an id is known from then on, whether a list was read or not."""
    lister = holding(0)
    lister.directory.note("N", "7")
    assert lister.directory.ids("N") == ("7",)
    lister.consult(*absent(5))
    assert lister.directory.ids("N") == ("7",)
    assert not lister.directory.excludes("N")


def test_what_proved_wrong_is_neither_known_nor_absent() -> None:
    """A forgotten reference can only be asked for, until an answer tells of it."""
    lister = holding(5)
    lister.consult(*absent(10))
    lister.directory.forget("H-1")
    lister.directory.forget("A-1")
    assert (lister.directory.ids("H-1"), lister.directory.excludes("H-1")) == ((), False)
    assert not lister.directory.excludes("A-1")
    assert lister.directory.excludes("A-2")
    lister.directory.note("A-1", "9")
    assert lister.directory.ids("A-1") == ("9",)


def test_a_list_that_cannot_be_read_is_no_obstacle() -> None:
    """A failure ends the consultation, and the next one reads on at the same place."""
    lister = holding(20)
    lister.fails = 1
    assert lister.consult(*absent(30)) == 1
    assert not lister.directory.excludes("A-0")
    lister.consult(*absent(30))
    assert lister.asked == [None, None, "10"]
    assert lister.directory.excludes("A-0")


def test_a_system_that_fails_for_good_is_told() -> None:
    """Refused credentials and the like end the delivery."""

    async def ask(_cursor: str | None) -> Roll:
        raise PermanentError("lister: status 302")

    with pytest.raises(PermanentError):
        asyncio.run(Directory(ask, lambda: 0.0).consult(absent(5)))


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list past the cap is not read on, and answers past it are not kept; then nobody is excluded."""
    monkeypatch.setattr(module, "_MOST_KEPT", 25)
    lister = holding(1000)
    assert lister.consult(*absent(20)) <= 3
    lister = holding(20)
    lister.consult(*absent(50))
    assert lister.directory.excludes("A-0")
    for number in range(10):
        lister.directory.note(f"N-{number}", str(number))
    assert lister.directory.ids("N-9") == ()
    assert not lister.directory.excludes("N-9")
    assert not lister.directory.excludes("A-0")
    lister.directory.note("H-1", "77")
    assert lister.directory.ids("H-1") == ("77",)


def test_a_list_with_somebody_unread_excludes_nobody() -> None:
    """A customer whose id or reference cannot be read may be anybody: each reference is asked for."""

    async def ask(_cursor: str | None) -> Roll:
        return Roll({"H-0": ("0",)}, None, steady=True, total=2, unread=1)

    directory = Directory(ask, lambda: 0.0)
    asyncio.run(directory.consult(absent(5)))
    assert directory.ids("H-0") == ("0",)
    assert not any(directory.excludes(reference) for reference in absent(5))
