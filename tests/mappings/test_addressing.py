"""Addresses and coordinates: nothing is lost between the parts, and what is a pair is read as one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.addressing import house_number, postal_code, street_name, town
from mappings.converter import ConversionError
from mappings.locating import latitude, longitude

ANY = st.text(max_size=20) | st.text("aBß 0123456789,.-/'°\"NSEW+;", max_size=20)


def letters(text: str | None) -> list[str]:
    """List what is a letter or a figure."""
    return sorted(letter for letter in text or "" if letter.isalnum())


@given(ANY)
def test_street_and_number_together_are_the_text(text: str) -> None:
    """Whatever the text, each letter and figure is in one of them (but for the word that says `number`)."""
    street, number = street_name(text), house_number(text)
    assert set(letters(street) + letters(number)) <= set(letters(text))
    dropped = len(letters(text)) - len(letters(street)) - len(letters(number))
    assert dropped == 0 or any(word in text.casefold() for word in ("nr", "no", "nº"))


@pytest.mark.parametrize(
    ("text", "street", "number"),
    [
        ("Hauptstr. 12 - 14", "Hauptstr.", "12 - 14"),
        ("Hauptstraße 12/3/7", "Hauptstraße", "12/3/7"),
        ("C 4, 12", "C 4", "12"),
        ("5th Avenue 10", "5th Avenue", "10"),
        ("100 A Street", "A Street", "100"),
        ("C/ Araquil, 67", "C/ Araquil", "67"),
        ("722 DaVinci Blvd.", "DaVinci Blvd.", "722"),
        ("12 bis", "12 bis", None),
        ("12", "12", None),
        ("P.O. Box 7", "P.O. Box 7", None),
        ("Plaza 5", "Plaza", "5"),
        ("  ", "", None),
    ],
)
def test_streets_of_many_countries(text: str, street: str, number: str | None) -> None:
    """Numbers behind and before, of several houses and doors; a box and a number alone are no house's."""
    assert (street_name(text), house_number(text)) == (street, number)


@given(ANY)
def test_postal_code_and_town_together_are_the_text(text: str) -> None:
    """Either both refuse a text, or they are all of it but a country's letters in front."""
    try:
        code, place = postal_code(text), town(text)
    except ConversionError as refused:
        with pytest.raises(ConversionError, match=str(refused)):
            town(text)
        return
    kept = letters(code) + letters(place)
    assert text.rstrip().endswith((place or code or "").strip()[-1:])
    assert len(letters(text)) - len(kept) in range(4)


@pytest.mark.parametrize(
    "text", ["Berlin 10115", "København 2100", "Springfield, IL 62704", "1-2 Town", "1234567 Town"]
)
def test_other_orders_are_refused(text: str) -> None:
    """What stands otherwise is not guessed."""
    with pytest.raises(ConversionError):
        postal_code(text)


DEGREES = st.decimals(-90, 90, places=6, allow_nan=False)


@given(DEGREES, DEGREES)
def test_a_pair_is_read_however_it_is_written(north: Decimal, east: Decimal) -> None:
    """With point or comma, by comma, semicolon or blank, with signs or letters."""
    signed = f"{north:f}", f"{east:f}"
    lettered = f"{abs(north):f} {'S' if north < 0 else 'N'}", f"{abs(east):f} {'W' if east < 0 else 'E'}"
    commas = [text.replace(".", ",") for text in signed]
    pairs = [",".join(signed), ", ".join(signed), " ".join(signed), "; ".join(commas), " ".join(lettered)]
    assert {latitude(pair) for pair in pairs} == {north}
    assert {longitude(pair) for pair in pairs} == {east}
    assert latitude(signed[0]) == latitude(commas[0]) == latitude(lettered[0]) == north


@given(st.integers(0, 89), st.integers(0, 59), st.integers(0, 59))
def test_minutes_and_seconds_are_sixtieths(degrees: int, minutes: int, seconds: int) -> None:
    """To a centimetre."""
    exact = Decimal(degrees) + Decimal(minutes) / 60 + Decimal(seconds) / 3600
    text = f"{degrees}°{minutes}'{seconds}\""
    assert abs(latitude(f"{text}N") - exact) <= Decimal("5e-8")
    assert longitude(f"{text} W") == -latitude(text)


@pytest.mark.parametrize(
    "value", [True, None, b"1", float("nan"), float("inf"), Decimal("NaN"), "1e3", "60 N 5", "1°60'N"]
)
def test_what_is_no_coordinate_is_refused(value: object) -> None:
    """Neither a boolean nor an infinity, nor sixty minutes."""
    with pytest.raises(ConversionError):
        latitude(value)


def test_typed_coordinates_pass_through() -> None:
    """Numbers of a typed source keep their digits."""
    assert [str(latitude(value)) for value in (52, 52.52, Decimal("52.520"))] == ["52", "52.52", "52.520"]


@given(ANY)
def test_whatever_the_text_a_coordinate_is_in_range(text: str) -> None:
    """A finite number within the globe, or a refusal."""
    try:
        degrees = longitude(text)
    except ConversionError:
        return
    assert abs(degrees) <= 180
