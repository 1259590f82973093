"""Takes personal values out of a target's words before they are kept. Decides nothing else about a reject."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping

from mappings.system import System
from mappings.value import ConversionError, canonical_text

LONGEST_DESCRIPTION = 200
LONGEST_READ = 10_000  # no more of a target's words is looked at
SHORTEST_WORD = 4  # shorter words of a longer value ("de", "the") tell nobody, and would blot out the target's words
SHORTEST_EMBEDDED = 6  # shorter values are looked for as whole words: "Ann" must not blot out "cannot"
_LETTER = r"[^\s@<>\"'\[\]]"
# Within a word that is longer than an address may be, a search from every letter would need the square of its length.
EMAIL = rf"(?:(?<!{_LETTER}){_LETTER}++|{_LETTER}{{1,64}})@{_LETTER}{{1,255}}\.[^\s@<>\"'\[\],;]+"


def redact(description: str, values: Mapping[str, object], system: System) -> str:
    """Replace what is personal in a description by `[field]`, escape control characters, cut at 200 characters.

    `values` is the payload that the description is about. Found are whole values without regard to case, their longer
    words, a value that the sender cut at the end, and anything that looks like an e-mail address.
    """
    text = unicodedata.normalize("NFC", html.unescape(description[:LONGEST_READ]))
    personal = sorted(set(_personal(values, system)), key=lambda pair: (-len(pair[0]), pair))
    text, cut = _without_tail(text, personal)
    # One pass, so that what was put in is not looked at again; the group that matched says which field it is.
    names = ["email", *(field for _, field in personal)]
    found = re.compile("|".join([f"({EMAIL})", *(_pattern(value) for value, _ in personal)]), re.IGNORECASE)
    text = found.sub(lambda match: f"[{names[(match.lastindex or 1) - 1]}]", text) + (f"[{cut}]" if cut else "")
    return _printable(text)[:LONGEST_DESCRIPTION]


def _personal(values: Mapping[str, object], system: System) -> Iterator[tuple[str, str]]:
    """List personal values and their longer words, each with its field."""
    for field in system.personal & values.keys():
        value = values[field]
        for text in map(_text, value if isinstance(value, list | tuple) else [value]):
            if text:
                yield text, field
                yield from ((word, field) for word in re.findall(r"\w+", text) if len(word) >= SHORTEST_WORD)


def _text(value: object) -> str:
    try:
        return unicodedata.normalize("NFC", canonical_text(value)).strip()
    except ConversionError:
        return ""


def _pattern(value: str) -> str:
    escaped = re.escape(value)
    if len(value) < SHORTEST_WORD:  # "IS" is Iceland, "is" is not
        return rf"(?<!\w)((?-i:{escaped}))(?!\w)"
    return f"({escaped})" if len(value) >= SHORTEST_EMBEDDED else rf"(?<!\w)({escaped})(?!\w)"


def _without_tail(text: str, personal: list[tuple[str, str]]) -> tuple[str, str | None]:
    """Take off the beginning of a value with which a cut text ends, and say of which field it is."""
    if any(_ends(text, value) for value, _ in personal):
        return text, None
    for value, field in personal:
        for length in range(len(value) - 1, SHORTEST_WORD - 1, -1):
            if _ends(text, value[:length]):
                return text[:-length], field
    return text, None


def _ends(text: str, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}$", text[-len(value) - 1 :], re.IGNORECASE) is not None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
