"""Tax and bank numbers: checked by their rules, and written in one way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.converter import ConversionError
from mappings.numbering import EU_PREFIXES, bic, iban, tax_number, vat_number, vat_number_by_country

# Numbers that are valid by their check digits, from the documentation of python-stdnum.
VALID = [
    "ATU13585627", "BE0428759497", "BG175074752", "CY10259033P", "CZ25123891", "DE136695976", "DK13585628",
    "EE100931558", "EL094259216", "ESB58378431", "FI20774740", "FR40303265045", "HR33392005961", "HU12892312",
    "IE6433435F", "IT00743110157", "LT119511515", "LU15027442", "LV40003521600", "MT11679112", "NL004495445B01",
    "PL8567346215", "PT501964843", "RO18547290", "SE123456789701", "SI50223054", "SK2022749619", "XI980780684",
    "GB980780684",
]  # fmt: skip # a table: it reads in rows
MARKS = st.text(" -.", max_size=2)


@pytest.mark.parametrize("number", VALID)
def test_a_number_of_each_member_state_stays_as_it_is(number: str) -> None:
    """Alone, beside another country, and without its letters beside its own."""
    assert vat_number(number) == number
    assert vat_number(number, "JP") == number
    country = {"EL": "GR", "XI": "GB"}.get(number[:2], number[:2])
    bare = vat_number.bind(country)(number[2:])
    assert bare == (number if number[:2] != "XI" else f"GB{number[2:]}")
    assert vat_number_by_country((number[2:], country)) == bare


def test_every_member_state_is_tested() -> None:
    """No country's rules are missing."""
    assert {number[:2] for number in VALID} == EU_PREFIXES | {"GB"}


@given(st.sampled_from(VALID), st.integers(2, 12), st.integers(1, 9))
def test_a_wrong_figure_is_noticed(number: str, place: int, by: int) -> None:
    """Either the check digits tell, or what comes out is the wrong number as it was written, and no third one."""
    at = min(place, len(number) - 1)
    if not number[at].isdigit():
        return
    wrong = f"{number[:at]}{(int(number[at]) + by) % 10}{number[at + 1 :]}"
    try:
        assert vat_number(wrong) == wrong
    except ConversionError:
        return


@given(st.text(max_size=16) | st.text("ABCDEGFRUX0123456789 -./²", max_size=16))
def test_whatever_the_text_nothing_is_raised_but_a_refusal(text: str) -> None:
    """And what comes out is converted to itself."""
    checks: list[Callable[[object], object]] = [iban, bic, vat_number.bind("DE"), tax_number.bind("de.stnr")]
    for convert in checks:
        try:
            once = convert(text)
        except ConversionError:
            continue
        assert convert(once) == once


@given(st.lists(MARKS, min_size=22, max_size=22))
def test_an_iban_is_one_however_it_is_grouped(marks: list[str]) -> None:
    """Blanks, hyphens and dots say nothing."""
    number = "DE89370400440532013000"
    assert iban("".join(f"{sign}{mark}" for sign, mark in zip(number, marks, strict=True))) == number


def test_one_wrong_account_of_a_list_refuses_it() -> None:
    """Accounts belong to the other lists of their customer by their places; none can be left out."""
    with pytest.raises(ConversionError):
        iban(["DE89370400440532013000", "DE88370400440532013000"])
    assert iban([]) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("fi.hutu", "no number of this kind; did you mean fi.hetu"),
        ("os.path", "no number of this kind"),
        ("fi", "a country and a kind"),
        ("../x", "a country and a kind"),
        ("fi.hetu.x", "a country and a kind"),
        (None, "needs an argument"),
    ],
)
def test_the_kind_is_checked_when_the_job_is_read(kind: object, reason: str) -> None:
    """Only what python-stdnum knows is a kind; the nearest is named."""
    with pytest.raises(ValueError, match=reason):
        tax_number.bind(kind)


def test_countries_whose_folder_is_a_word_of_python_are_kinds_too() -> None:
    """India and Iceland: `in` and `is` are no names of modules."""
    assert tax_number.bind("in.pan")("ACUPA7085R") == "ACUPA7085R"
    assert tax_number.bind("is.kennitala")("450401-3150") == "4504013150"
