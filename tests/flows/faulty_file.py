"""Makes a file of customers in which every fault is planted, and says what must become of each; sends nothing."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.flows.planted import (
    FAILING,
    GARBLED,
    IMAGES,
    INVALID,
    LEFT_OUT,
    NOBODY,
    ODD,
    ORPHANS,
    RECOVERING,
    REFUSED,
    TRIES,
    Again,
    Fault,
    Filtered,
    Garbled,
    Orphan,
    Planted,
    Refused,
    Sound,
)

SIZE = 10_000
PAGE = 1000  # as the job's page_size by default
SEED = 20260301
PARENTS = 10  # the first customers, sound ones, whose branches others are
BLANK_EVERY = 997

HEADER = (
    "id", "no", "company", "city", "land", "email", "credit", "active", "lat", "due_type", "due_days", "parent",
    "sub", "currency", "payments", "logo", "grade", "note", "status",
)  # fmt: skip

COUNTRIES = {"Germany": "DE", "UK": "GB", "USA": "US", "Österreich": "AT", "NO": "NO", "": None}
GRADES = {"A": "green", "B": "yellow", "C": "red", "": None}
DUE_DATES = {"1": "daysAfterInvoiceDate", "2": "daysAfterEndOfInvoiceMonth", "": None}


class Reject(NamedTuple):
    """One line of `rejects --csv`, as far as it is compared; all text, as a CSV file is."""

    line: str
    code: str
    field: str
    stage: str
    outcome: str
    http_status: str


@dataclass(slots=True)
class FaultyFile:
    """The file's content, and what must become of it at the target and in the rejects."""

    content: bytes = b""
    rejects: list[Reject] = field(default_factory=list)
    arriving: dict[str, dict[str, str]] = field(default_factory=dict)  # reference -> the customer's cells
    forced: dict[str, Mapping[str, object]] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)  # as the sandbox's onlooker lists them
    filtered: int = 0
    deferred: int = 0

    def customers(self, outcome: str) -> int:
        """Count the customers with this outcome, whatever number of findings they have."""
        return len({reject.line for reject in self.rejects if reject.outcome == outcome})


class _Writer:
    """Writes one record after another, and notes what must become of it under the line on which it begins."""

    def __init__(self) -> None:
        self.file = FaultyFile()
        self._parts = [_line(HEADER)]
        self._next = 2

    def finish(self) -> FaultyFile:
        """Put the lines together."""
        self.file.content = b"".join(self._parts)
        return self.file

    def leave_blank(self) -> None:
        """Add a line that is no record."""
        self._write(b"\n")

    def add(self, cells: dict[str, str], planted: Planted) -> None:
        """Add a record, with what is planted in it."""
        match planted:
            case Sound():
                sound = _with(cells, planted.cells)
                self._write(_line(sound.values()))
                self.file.arriving[sound["no"].strip()] = sound
                self._expect(sound, planted)
            case Filtered():
                self._write(_line(_with(cells, planted.cells).values()))
                self.file.filtered += 1
            case Orphan():
                self._write(_line(_with(cells, planted.cells).values()))
                self.file.deferred += 1
                self.file.requests[f"GET {NOBODY}"] = 1
            case Again():
                again = _with(cells, {"no": planted.written, **planted.cells})
                findings = [("not_unique", "reference"), *planted.findings]
                self._reject(_line(again.values()), findings, "reference")
            case Garbled():
                record = _line(cells.values()).replace(b",", planted.comma, 1)
                self._reject(record, [(planted.code, "")], "extract")
            case Fault():
                self._reject(_line(_with(cells, planted.cells).values()), planted.findings, planted.stage)
            case Refused():
                refused = _with(cells, planted.cells)
                self._expect(refused, planted)
                self._reject(_line(refused.values()), [(planted.code, planted.blamed)], "send", planted.status)

    def _expect(self, cells: dict[str, str], sent: Sound | Refused) -> None:
        """Note what the target is to answer, and which requests it must get."""
        reference = cells["no"].strip()
        self.file.requests[f"POST {reference}"] = sent.sends
        if sent.sends == TRIES:
            self.file.requests[f"GET {reference}"] = 1
        if sent.answer:
            words = str(sent.answer.get("error_description", "")).replace("{company}", cells["company"])
            self.file.forced[reference] = {**sent.answer, "error_description": words or None}

    def _reject(self, record: bytes, findings: Iterable[tuple[str, str]], stage: str, status: str = "") -> None:
        line = str(self._write(record))
        outcome = "rejected" if stage == "send" else "invalid"
        self.file.rejects += [Reject(line, code, name, stage, outcome, status) for code, name in findings]

    def _write(self, record: bytes) -> int:
        begins = self._next
        self._parts.append(record)
        self._next += record.count(b"\n")
        return begins


class _Places:
    """Hands out free places of the file, each once."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._free = set(range(PARENTS, SIZE))

    def take(self, low: int = PARENTS, high: int = SIZE) -> int:
        """Take a free place from `low` on, before `high`."""
        place = self._chance.choice(sorted(self._free & set(range(low, high))))
        self._free.remove(place)
        return place


def make_file() -> FaultyFile:
    """Make the file, the same one every time."""
    chance = random.Random(SEED)
    plan = _plan(_Places(chance))
    writer = _Writer()
    for number in range(SIZE):
        if number % BLANK_EVERY == 0:
            writer.leave_blank()
        writer.add(_sound_cells(number, chance), plan.get(number, Sound()))
    return writer.finish()


def write_images(folder: Path) -> None:
    """Put the images beside the job file, and one out of its reach."""
    for name, content in IMAGES.items():
        (folder / name).write_bytes(content)
    (folder.parent / "beside.png").write_bytes(IMAGES["logo.png"])


def _plan(places: _Places) -> dict[int, Planted]:
    """Choose a place for everything that is planted."""
    plan: dict[int, Planted] = dict(_repetitions(places))
    together: tuple[Planted, ...] = (*FAILING, *RECOVERING)
    for planted in together:
        plan[places.take(3 * PAGE, 3 * PAGE + PAGE // 2)] = planted
    anywhere: tuple[Planted, ...] = (*ODD, *INVALID * 3, *REFUSED * 2, *GARBLED * 3, *LEFT_OUT * 3, *ORPHANS * 2)
    for planted in anywhere:
        plan[places.take()] = planted
    return plan


def _repetitions(places: _Places) -> Iterator[tuple[int, Planted]]:
    """Repeat references on the same page and on another one, in the same and in other spelling."""
    for page in (0, 2, 5, 9):
        first = places.take(max(PARENTS, page * PAGE), page * PAGE + PAGE // 2)
        yield places.take(first, (page + 1) * PAGE), Again(_reference(first))
        yield places.take(first, (page + 1) * PAGE), Again(f" {_reference(first)} ")
        yield (
            places.take(first, (page + 1) * PAGE),
            Again(_reference(first), {"company": ""}, [("missing_param", "name")]),
        )
    for page in (1, 4, 7):
        first = places.take(page * PAGE, (page + 1) * PAGE)
        yield places.take((page + 1) * PAGE), Again(_reference(first))
    composed = "Jos\u00e9"
    yield places.take(0, PAGE), Sound({"no": composed})
    yield places.take(PAGE), Again("Jose\u0301")
    nameless = places.take(0, PAGE)
    yield nameless, Fault({"company": ""}, [("missing_param", "name")])
    yield places.take(PAGE), Again(_reference(nameless))
    # What is left out takes no reference from others.
    kept = places.take(6 * PAGE)
    yield places.take(0, 6 * PAGE), Filtered({"status": "D", "no": _reference(kept)})


def _reference(number: int) -> str:
    return f"C-{number:05}"


def _sound_cells(number: int, chance: random.Random) -> dict[str, str]:
    """Make a customer that nobody has anything against; its parent, if it has one, stands on the first page."""
    due_type = chance.choice(["", "", "1", "2"])
    parent = _reference(chance.randrange(PARENTS)) if number >= PAGE and chance.random() < 0.1 else ""
    values = {
        "id": f"K{number}",
        "no": _reference(number),
        "company": f"{chance.choice(['Müller & Söhne', 'Łódź S.A.', 'Neill, Sons', 'A/B Åkesson'])} {number}",
        "city": chance.choice(["Köln", "São Paulo", "London", ""]),
        "land": chance.choice(list(COUNTRIES)),
        "email": f"desk{number}@kunde{number % 7}.example",
        "credit": chance.choice(["", "0", f"{chance.randrange(10_000_000) / 100:.2f}"]),
        "active": chance.choice(["", "true", "false"]),
        "lat": chance.choice(["", f"{chance.uniform(-90, 90):.4f}"]),
        "due_type": due_type,
        "due_days": str(chance.randrange(90)) if due_type else "",
        "parent": parent,
        "sub": "true" if parent else chance.choice(["", "false"]),
        "currency": chance.choice(["", "EUR", "USD", "GBP"]),
        "payments": chance.choice(["", "7", "7|8"]),
        "logo": "",
        "grade": chance.choice(list(GRADES)),
        "note": chance.choice(["", "calls back"]),
        "status": "A",
    }
    return {name: values[name] for name in HEADER}


def _with(cells: dict[str, str], others: Mapping[str, str]) -> dict[str, str]:
    return cells | {name: text.replace("{no}", cells["no"]) for name, text in others.items()}


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()
