"""The built-in converters of telephone numbers, checked by their countries' plans (phonenumbers); nobody is called."""

from __future__ import annotations

import re

from mappings.coding import Country, country_beside
from mappings.converter import converter, record_converter
from mappings.value import ConversionError

# Two numbers in one cell would be read as one long one.
SEVERAL = re.compile(r"[;|,]|\s/\s|\boder\b|\bor\b|\bou\b|\bo\b")
_DIGITS_OF_A_NUMBER = 6

# The library is imported on first use: it takes longer than a small job.


@converter
def phone(value: str, country: Country | None = None) -> str:
    """Write a telephone number in E.164; the argument is the country of numbers that are written without one.

    What cannot be a number by its country's plan of numbers is refused, and so are letters, an extension, for which
    E.164 has no place, and more than one number.

    Examples::

        "+49 (0)30 123456" -> "+4930123456"
        "030/123456", "DE" -> "+4930123456"
        "0049 30 123456", "DE" -> "+4930123456"
        "Tel. 030 - 12 34 56", "Germany" -> "+4930123456"
        "+43 1 58 80 00", "DE" -> "+431588000"
        "06 12 34 56 78", "FR" -> "+33612345678"
        "06 698 12345", "IT" -> "+390669812345"
        "+21671123456" -> "+21671123456"
        "49 171 1234567", "DE" -> ! "could begin with its country's code; write that with +"
        "030 123456" -> ! "has no country; name the country of such numbers in the job"
        "030 123456 ext. 7", "DE" -> ! "has an extension, for which E.164 has no place"
        "030 123456 / 030 654321", "DE" -> ! "holds more than one telephone number"
        "030 123456 (Home)", "DE" -> ! "is not a telephone number"
        "12", "DE" -> ! "is not a telephone number"
        "none", "DE" -> ! "is not a telephone number"
        "" -> ! "is not a telephone number"
    """
    return _e164(value, country)


@record_converter
def phone_by_country(cells: tuple[str | None, str | None]) -> str | None:
    """Write a telephone number in E.164; the second column says in which country it is dialled. Else as `phone`.

    Examples::

        ["030 123456", "Germany"] -> "+4930123456"
        ["01 58 80 00", "AT"] -> "+431588000"
        ["+49 30 123456", None] -> "+4930123456"
        [None, "DE"] -> None
        ["030 123456", None] -> ! "has no country; name the country of such numbers in the job"
        ["030 123456", "Atlantis"] -> ! "stands beside what is not a country"
    """
    number, country = cells
    return None if number is None else _e164(number, country_beside(country))


def _e164(value: str, country: str | None) -> str:
    import phonenumbers

    parts = [part for part in SEVERAL.split(value) if sum(map(str.isdigit, part)) >= _DIGITS_OF_A_NUMBER]
    if len(parts) > 1 or "+" in value[value.find("+") + 1 :]:
        raise ConversionError("holds more than one telephone number")
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException as error:
        lacks = error.error_type == error.INVALID_COUNTRY_CODE and country is None and "+" not in value
        words = "has no country; name the country of such numbers in the job"
        raise ConversionError(words if lacks and _digits(value) else "is not a telephone number") from None
    if number.extension:
        raise ConversionError("has an extension, for which E.164 has no place")
    if any(map(str.isalpha, _from_first_digit(value))) or not phonenumbers.is_valid_number(number):
        raise ConversionError("is not a telephone number")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if country is not None and _may_lack_plus(value, number.country_code, written):
        raise ConversionError("could begin with its country's code; write that with +")
    return written


def _may_lack_plus(value: str, country_code: int | None, written: str) -> bool:
    """Whether the number would be another one, and as good, with a + before it: 49 171 ... in Germany."""
    import phonenumbers

    digits = phonenumbers.normalize_digits_only(value)
    if "+" in value or "\N{FULLWIDTH PLUS SIGN}" in value or not digits.startswith(str(country_code)):
        return False
    other = phonenumbers.parse(f"+{digits}")
    same = phonenumbers.format_number(other, phonenumbers.PhoneNumberFormat.E164) == written
    return not same and phonenumbers.is_valid_number(other)


def _digits(text: str) -> bool:
    return any(map(str.isdigit, text))


def _from_first_digit(text: str) -> str:
    """Leave out a word before the number; letters behind are dialled as digits by the library."""
    return text[next((at for at, letter in enumerate(text) if letter.isdigit()), len(text)) :]
