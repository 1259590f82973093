"""Converters: each one's table of examples is run, and the ways in which users add their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import email_validator
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import coding, dating, reading
from mappings.converter import ConversionError, Converter, find, load_converters
from tests.flows.command import Said, start_python

SAMPLES = "tests.mappings.sample_converters"
BUILT_IN = load_converters()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def examples() -> Iterator[tuple[str, str]]:
    """List every line of every table of examples."""
    for name, converter in BUILT_IN.items():
        table = converter.documentation.partition("Examples::")[2]
        for line in filter(None, map(str.strip, table.splitlines())):
            yield name, line


def run(converter: Converter, given_value: object, argument: object) -> object:
    """Call a converter of any kind on one value, or on one value per column."""
    function = converter.bind(argument)
    if converter.kind == "value":
        return function(given_value)
    if converter.kind == "column":
        changed = function(pd.Series([given_value], dtype="str")).iloc[0]
        return None if pd.isna(changed) else changed
    assert isinstance(given_value, list)
    if converter.kind == "record":
        return function(tuple(given_value))
    frame = pd.DataFrame({str(at): pd.Series([part], dtype="str") for at, part in enumerate(given_value)})
    joined = function(frame).iloc[0]
    return None if pd.isna(joined) else joined


@pytest.mark.parametrize(("name", "line"), list(examples()))
def test_the_examples_in_the_documentation_are_true(name: str, line: str) -> None:
    """What a converter's documentation shows is what it does."""
    before, _, after = line.partition(" -> ")
    value, *arguments = ast.literal_eval(f"[{before}]")
    argument = arguments[0] if arguments else None
    if after.startswith("! "):
        with pytest.raises(ConversionError) as caught:
            run(BUILT_IN[name], value, argument)
        assert str(caught.value) == ast.literal_eval(after[2:])
        return
    number = re.fullmatch(r'Decimal\("(.+)"\)', after)
    expected = Decimal(number[1]) if number else ast.literal_eval(after)
    result = run(BUILT_IN[name], value, argument)
    assert repr(result) == repr(expected)


def test_every_converter_has_examples() -> None:
    """No converter is without a table of examples."""
    assert {name for name, _ in examples()} == BUILT_IN.keys()


# Arguments of those that need one, and the columns of those that take several.
NEEDED: dict[str, object] = {
    "truncate": 3,
    "tax_number": "fi.hetu",
    "leading_zeros": 5,
    "phone": "DE",
    "vat_number": "DE",
}
WHOLE = {"join": 3, "record": 2}
# The words of every refusal stand in an example.
REFUSALS = {ast.literal_eval(line.partition(" -> ! ")[2]) for _, line in examples() if " -> ! " in line}


@pytest.mark.parametrize("name", BUILT_IN)
@given(text=TEXTS | st.text("aZ0123456789 .,;:+-/@\n'°", max_size=24))
def test_a_converter_converts_or_refuses_and_never_shows_the_value(name: str, text: str) -> None:
    """Whatever the text, nothing but a refusal is raised, and its words are the same for every value."""
    converter = BUILT_IN[name]
    value = [text] * WHOLE[converter.kind] if converter.kind in WHOLE else text
    said = None
    try:
        run(converter, value, NEEDED.get(name))
    except ConversionError as refusal:
        said = str(refusal)
    assert said is None or said in REFUSALS


@pytest.mark.parametrize("name", ["strip", "squeeze", "upper", "lower", "first_word", "last_word", "first_line"])
@given(text=TEXTS)
def test_text_converters_are_idempotent(name: str, text: str) -> None:
    """Converting a text twice is converting it once."""
    once = run(BUILT_IN[name], text, None)
    if once is None:  # no converter sees null
        return
    assert run(BUILT_IN[name], once, None) == once


ADDRESSES = st.builds(
    "{}@{}".format,
    st.text('aZ09._+-!é" ', max_size=40) | st.from_regex(r"[a-z0-9_+-]{1,33}(\.[a-z0-9_+-]{1,16})?", fullmatch=True),
    st.sampled_from(["Example.COM", "firma.local", "x", "münchen.de", "a-.de", "", "[1.2.3.4]", "b@c.de", "a." * 99]),
)


@given(address=ADDRESSES)
def test_plain_addresses_are_judged_as_the_library_does(address: str) -> None:
    """The short way for plain addresses gives the same verdict and the same text as the library on the whole."""
    try:
        expected = email_validator.validate_email(address.strip(), check_deliverability=False).normalized
    except email_validator.EmailNotValidError:
        with pytest.raises(ConversionError):
            run(BUILT_IN["email"], address, None)
    else:
        assert run(BUILT_IN["email"], address, None) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_every_decimal_is_read_back(number: Decimal) -> None:
    """A decimal written with a named mark is read as the same digits."""
    text = f"{number:f}"
    assert str(reading.decimal(text, ".")) == str(Decimal(text))
    assert reading.decimal(text.replace(".", ","), ",") == Decimal(text)


@given(TEXTS)
def test_no_text_becomes_a_number_that_is_none(text: str) -> None:
    """Whatever the text, the decimal converter gives a finite number or refuses."""
    try:
        number = reading.decimal(text)
    except ConversionError:
        return
    assert number.is_finite()


@given(TEXTS)
def test_a_country_is_a_code_of_two_letters_and_stays_it(text: str) -> None:
    """A found country is found again by its code."""
    try:
        code = coding.country_code(text)
    except ConversionError:
        return
    assert re.fullmatch("[A-Z]{2}", code)
    assert coding.country_code(code) == code


def test_typed_values_are_converted_too() -> None:
    """Numbers, booleans and dates of a typed source pass through the converters of their kind."""
    assert reading.decimal(7) == Decimal(7)
    assert str(reading.decimal(0.1)) == "0.1"
    assert reading.integer(7.0) == 7
    assert reading.integer(Decimal("7.0")) == 7
    assert [reading.boolean(value) for value in (True, 1)] == [True, True]
    assert reading.boolean(0) is False
    assert dating.date(pd.Timestamp("2024-02-29 12:00")) == "2024-02-29"


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (reading.decimal, True),
        (reading.decimal, float("nan")),
        (reading.decimal, b""),
        (reading.integer, True),
        (reading.integer, 7.5),
        (reading.integer, float("inf")),
        (reading.integer, Decimal("NaN")),
        (reading.boolean, 2),
    ],
)
def test_typed_values_of_another_kind_are_refused(function: Converter, value: object) -> None:
    """A boolean is no number, and infinities are none either."""
    with pytest.raises(ConversionError):
        function(value)


@pytest.mark.parametrize(
    ("name", "argument", "reason"),
    [
        ("strip", "x", "takes no argument"),
        ("decimal", "x", "decimal"),
        ("date", "%d %B %Y", "differ from machine to machine"),
        ("date", "%H:%M", "needs %d, %m and %Y"),
        ("split", 7, "split"),
        ("leading_zeros", 1_000_000_000, "leading_zeros"),
        ("leading_zeros", 0, "leading_zeros"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_record(name: str, argument: object, reason: str) -> None:
    """An argument that does not suit a converter is a mistake of the job."""
    with pytest.raises(ValueError, match=reason):
        BUILT_IN[name].bind(argument)


def test_an_unknown_converter_is_named_with_its_neighbour() -> None:
    """A misspelt converter is refused with the nearest known name."""
    with pytest.raises(ValueError, match="unknown converter contry_code; did you mean country_code"):
        find(BUILT_IN, "contry_code")


def test_a_module_of_the_user_adds_converters() -> None:
    """The functions that a module decorates are found by name, beside the built-in ones, and stay callable."""
    converters = load_converters([SAMPLES])
    assert converters["shout"]("a", "!") == "a!"
    assert {"strip", "shout", "fragile", "fragile_column"} <= converters.keys()
    assert not converters["shout"].built_in
    with pytest.raises(ValueError, match="needs an argument"):
        converters["shout"].bind()


@pytest.mark.parametrize(
    ("module", "reason"),
    [("no_such_module", "cannot be imported"), ("tests.mappings.test_value", "has no converter")],
)
def test_a_module_without_converters_is_refused(module: str, reason: str) -> None:
    """A module that is not there or holds no converter is a mistake of the job."""
    with pytest.raises(ValueError, match=reason):
        load_converters([module])


def test_a_taken_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's converter cannot silently take the place of another."""
    monkeypatch.setattr(f"{SAMPLES}.shout", Converter(lambda value: value, "value"))
    samples = load_converters([SAMPLES])
    assert "<lambda>" in samples
    monkeypatch.setattr(f"{SAMPLES}.fragile", Converter(lambda value: value + "", "value"))
    with pytest.raises(ValueError, match="taken"):
        load_converters([SAMPLES])


def test_the_libraries_of_converters_are_loaded_on_first_use_alone(tmp_path: Path) -> None:
    """A job that names none of them does not wait for them: a small one takes hardly longer than its imports."""
    code = (
        "import sys; from mappings.converter import load_converters; found = load_converters()\n"
        "late = {'phonenumbers', 'stdnum', 'pycountry', 'regex', 'email_validator'}\n"
        "assert not late & sys.modules.keys(), late & sys.modules.keys()\n"
        "found['phone'].bind('DE')('030 123456')\n"
        "assert 'phonenumbers' in sys.modules"
    )
    assert start_python(code, environment={}, cwd=tmp_path) == Said(0, "", "")
