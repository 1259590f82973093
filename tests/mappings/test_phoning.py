"""Telephone numbers: what comes out is E.164, and is read back as the same number."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from mappings.converter import ConversionError
from mappings.phoning import phone, phone_by_country

COUNTRIES = ("DE", "AT", "CH", "FR", "IT", "ES", "PT", "NL", "FI", "SE", "TN", "GB", "US", "BR", "JP")
KINDS = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
MARKS = st.text(" -.()/", max_size=3)


@pytest.mark.parametrize("kind", KINDS, ids=["landline", "mobile"])
@pytest.mark.parametrize("country", COUNTRIES)
def test_a_number_is_one_however_it_is_written(country: str, kind: int) -> None:
    """As in its country, as from abroad, and once converted: always the same."""
    number = phonenumbers.example_number_for_type(country, kind)
    assert number is not None
    expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    written = [expected, phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)]
    assert {phone(text) for text in written} == {expected}
    assert phone(national, country) == phone_by_country((national, country)) == expected
    assert phone(expected, "DE") == expected


@given(st.lists(MARKS, min_size=9, max_size=9))
def test_marks_between_figures_say_nothing(marks: list[str]) -> None:
    """Blanks, hyphens, dots, brackets and slashes, wherever they stand, but not where they part two numbers."""
    text = "".join(f"{figure}{mark}" for figure, mark in zip("030123456", marks, strict=True))
    assert phone(text, "DE") == "+4930123456"


@given(st.text("0123456789+ -/();,x#abcoru\u200b\uff10\u0663", max_size=24) | st.text(max_size=12))
def test_whatever_the_text_it_is_a_number_or_refused(text: str) -> None:
    """What comes out is read back as the same number; nothing else is raised than a refusal."""
    try:
        number = phone(text, "DE")
    except ConversionError:
        return
    assert number.startswith("+")
    assert number[1:].isdecimal()
    assert number.isascii()
    assert phone(number) == phone(number, "AT") == number


@pytest.mark.parametrize(
    "text",
    [
        "030 123456; 030 654321",
        "030 123456, 0171 1234567",
        "+49 30 123456 +49 30 654321",
        "030 123456 oder 0171 1234567",
        "030 123456 or 0171 1234567",
    ],
)
def test_two_numbers_are_not_read_as_one(text: str) -> None:
    """The library would take them together, and the result might be a number that is somebody else's."""
    with pytest.raises(ConversionError, match="more than one"):
        phone(text, "DE")


def test_the_country_is_checked_when_the_job_is_read() -> None:
    """It may be a code or a name; what is none is the job's mistake."""
    assert phone.bind("Austria")("01 58 80 00") == "+431588000"
    with pytest.raises(ValueError, match=r"phone: .*not a country"):
        phone.bind("Atlantis")
