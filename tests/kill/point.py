"""The 36 named points at which a run is killed: sixteen places, ten of them the first, a middle and the last time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEANING: Mapping[str, str] = {
    "K1": "the run is opened",
    "K2": "a page is half read",
    "K3": "a page is read",
    "K4": "a page is prepared",
    "K5": "a page's rejects and intents are written, and not committed",
    "K6": "a page's rejects and intents are committed",
    "K7": "a request is to go out",
    "K8": "a request is carried out, and its answer not read",
    "K9": "a page's first answers are read, and not recorded",
    "K10": "a page's first answers are recorded",
    "K11": "a request waits after a 429",
    "K12": "all answers are recorded, and the page not confirmed",
    "K13": "page and watermark are written, and not committed",
    "K14": "the watermark has moved, and the run is not closed",
    "K15": "rejects are half exported",
    "K16": "the schema is half brought up to date",
}
# Of 6 pages of 50 customers each, 48 of which are sent, and of all of them but 3 taken.
PAGES, REQUESTS, TAKEN = 6, 288, 285
_LAST = {"K7": REQUESTS, "K8": TAKEN, "K11": REQUESTS}  # the others count pages
_OFTEN = ("K2", "K3", "K4", "K5", "K6", "K7", "K8", "K9", "K10", "K11")


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a run, and the how many-th time that the run comes there."""

    name: str
    occurrence: int = 1

    @property
    def when(self) -> str:
        """Tell the occurrence in words; nothing where there is but one."""
        if self.name not in _OFTEN:
            return ""
        last = _LAST.get(self.name, PAGES)
        return {1: "first", last: "last"}.get(self.occurrence, "middle")

    def __str__(self) -> str:
        return f"{self.name} {self.when}".rstrip()


def _points(name: str) -> tuple[Point, ...]:
    if name == "K12":
        return (Point(name, PAGES),)
    if name == "K13":
        return (Point(name, PAGES // 2),)
    if name not in _OFTEN:
        return (Point(name),)
    last = _LAST.get(name, PAGES)
    return tuple(Point(name, occurrence) for occurrence in (1, last // 2, last))


POINTS: tuple[Point, ...] = tuple(point for name in MEANING for point in _points(name))
