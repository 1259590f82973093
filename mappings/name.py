"""Names: which known one is nearest to a misspelt one, and when two spellings are one name. Knows no system."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name with the nearest known one, where there is a near one."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return f"; did you mean {by_fold[close[0]]}?" if close else ""


def folded(name: str) -> str:
    """Write a name without case, accents and separators: `E-Mail`, `e_mail` and `email` are one."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def spoken(name: str) -> str:
    """Write a name in small words, without accents and dots and with one blank between: as it is spoken."""
    decomposed = unicodedata.normalize("NFKD", name)
    letters = (letter for letter in decomposed if not unicodedata.combining(letter) and letter != ".")
    return " ".join("".join(letters).casefold().split())
