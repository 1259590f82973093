"""The built-in converters that split a person's name, given name first or behind a comma; no word of it is lost.

Where a family name of several words begins is told by the words that stand before one (`von`, `de la`); without any it
is the last word. Whoever knows better has the parts in columns of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

from mappings.converter import converter
from mappings.name import spoken
from mappings.value import ConversionError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# As they stand before a name; what is a given name or an initial as well (Don, M.) is left out. All without dots.
SALUTATIONS = _words(
    "mr mrs ms miss mx sir madam herr herrn frau fraulein hr monsieur madame mademoiselle mme mlle signor signora sig"
    " sigra senor senora sr sra srta senhor senhora dhr mevr mevrouw herra rouva fru"
)
TITLES = _words(
    "dr drs prof professor professeur doktor doctor dott dottssa dottore dottoressa dra ing ir mag dipl-ing dipl-kfm"
    " dipl-kffr lic mmag bacc"
)
# What follows a title and belongs to it: Dr. rer. nat.
FACULTIES = _words("rer nat med phil jur iur hc habil dent vet oec pol soc theol techn univ")
SUFFIXES = _words("jr sr ii iii iv phd md mba msc bsc esq")
# What a family name begins with; in capitals some of them are given names.
PARTICLES = _words(
    "von vom van der den de del della dello di da dal dalla dos das do du des la le lo zu zum zur ten ter te af av auf"
    " bin ibn ben el al san st op 't"
)
CAPITAL_PARTICLES = _words("von van der den de del della di da dos du des la le zu ten ter")


@dataclass(frozen=True, slots=True)
class PersonName:
    """The parts of a person's name, each as it was written; "" for what it does not have."""

    salutation: str
    title: str
    first: str
    last: str


def split_name(text: str) -> PersonName:
    """Split a name; of one word alone it is the family name. Raises ConversionError where the commas make no sense."""
    before, *behind = [part.split() for part in text.split(",")]
    if len(behind) > 1 or (behind and not (before and behind[0])):
        raise ConversionError("cannot be split into the parts of a name")
    given = behind[0] if behind else []
    if given and all(_key(word) in SUFFIXES for word in given):  # Anna Smith, PhD
        before, given = [*before, *given], []
    salutation, before = _take(before, SALUTATIONS, 1, keep=1)
    title, before = _take(before, TITLES, len(before), keep=1)
    if not given:
        start = _start_of_family_name(before)
        return PersonName(*map(" ".join, (salutation, title, before[:start], before[start:])))
    more, given = _take(given, SALUTATIONS, 1, keep=0)
    further, given = _take(given, TITLES, len(given), keep=0)
    return PersonName(*map(" ".join, ([*salutation, *more], [*title, *further], given, before)))


def _key(word: str) -> str:
    return spoken(word).replace(" ", "")


def _take(words: list[str], known: frozenset[str], most: int, *, keep: int) -> tuple[list[str], list[str]]:
    """Take known words off the front, with what belongs to a title; so many words are left to be a name."""
    count = 0
    while count < min(most, len(words) - keep):
        key = _key(words[count])
        if key not in known and not (count and known is TITLES and key in FACULTIES):
            break
        count += 1
    return words[:count], words[count:]


def _start_of_family_name(words: list[str]) -> int:
    end = len(words)
    while end > 1 and _key(words[end - 1]) in SUFFIXES:
        end -= 1
    for place in range(1, end - 1):
        if words[place] in PARTICLES or _key(words[place]) in CAPITAL_PARTICLES:
            return place
        if words[place] == "y" and place > 1:  # Ortega y Gasset
            return place - 1
    return max(end - 1, 0)


@converter
def salutation(value: str) -> str | None:
    """Take the form of address from a person's name; null where it has none.

    Examples::

        "Frau Dr. Anna Schmidt" -> "Frau"
        "Mrs. Smith" -> "Mrs."
        "Anna Smith" -> None
    """
    return split_name(value).salutation or None


@converter
def title(value: str) -> str | None:
    """Take the academic titles from a person's name; null where it has none.

    Examples::

        "Frau Prof. Dr. Anna Schmidt" -> "Prof. Dr."
        "Dr. rer. nat. Max Muster" -> "Dr. rer. nat."
        "Schmidt, Dr. Anna" -> "Dr."
        "Anna Smith" -> None
    """
    return split_name(value).title or None


@converter
def first_name(value: str) -> str | None:
    """Take the given names from a person's name; null where it has none.

    Examples::

        "Anna Smith" -> "Anna"
        "Herr Dr. Hans Peter von der Heide" -> "Hans Peter"
        "Smith, Anna Maria" -> "Anna Maria"
        "Smith" -> None
        "Smith, Anna, London" -> ! "cannot be split into the parts of a name"
    """
    return split_name(value).first or None


@converter
def last_name(value: str) -> str | None:
    """Take the family name from a person's name; a single word is one.

    Examples::

        "Anna Smith" -> "Smith"
        "Hans Peter von der Heide" -> "von der Heide"
        "Maria de la Cruz" -> "de la Cruz"
        "José Ortega y Gasset" -> "Ortega y Gasset"
        "van der Berg, Anna" -> "van der Berg"
        "John Smith Jr." -> "Smith Jr."
        "Frau Müller" -> "Müller"
        "Smith" -> "Smith"
        " " -> None
        "Smith, Anna, London" -> ! "cannot be split into the parts of a name"
    """
    return split_name(value).last or None
