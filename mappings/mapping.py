"""Maps records to rows as a job's `fields` say: pick, convert, look up, default, type; column by column.

Compiled once per job, and everything that can be wrong with the job is said then. Judges no row: that is the schema's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from mappings.column import Failures, apply, apply_records, apply_whole
from mappings.constraint import type_mismatches
from mappings.converter import Converter, Converters, find
from mappings.field import FieldRule
from mappings.finding import Finding, Findings
from mappings.image import ImagePlace, UnsafeAddressError, UnsafePathError
from mappings.kind import cast
from mappings.name import nearest
from mappings.reference import normalise
from mappings.system import System
from mappings.value import CLEAR, ConversionError, absences, canonical_text, is_text, nulls, tidy

_HERE = ImagePlace()
QUOTED_CHARACTERS = 40


class MappingError(ValueError):
    """The job's mapping is wrong; `problems` has one sentence per mistake."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnmappedError(ConversionError):
    """The job's table of values has no entry."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A page of rows: one column per target field, positions as in the records.

    A null cell is a field that is not sent, CLEAR one that is emptied. A record with findings has a row, too, which
    must not be sent. `cut` says by field at which positions a text was shortened, as the job asks.
    """

    rows: pd.DataFrame
    findings: Findings
    cut: Mapping[str, frozenset[int]] = default(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One field of a page: its cells, and by position what was found and what was shortened."""

    cells: pd.Series
    found: dict[int, Finding] = default(default_factory=dict)
    cut: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converter with its argument in place."""

    converter: Converter
    function: Callable[[Any], Any]
    takes_text: bool

    def code_of(self, error: Exception) -> tuple[str, str]:
        """Name a failure; only texts that we wrote are shown."""
        if self.converter.built_in and isinstance(error, ConversionError):
            return "invalid_value", str(error)
        return "converter_failed", f"{self.converter.name} raised {type(error).__name__}"


class Mapper:
    """The compiled `fields` of a job; raises MappingError with all that is wrong with them."""

    def __init__(
        self, fields: Mapping[str, FieldRule], system: System, converters: Converters, images: ImagePlace = _HERE
    ) -> None:
        problems = list(_problems(fields, system))
        self._columns: dict[str, ColumnMapper] = {}
        for name, rule in fields.items():
            try:
                self._columns[name] = ColumnMapper(name, rule, system, converters, images)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise MappingError(problems)
        self.fields = tuple(fields)
        self._reference = system.reference
        self.source_columns = frozenset(column for rule in fields.values() for column in rule.sources)

    def apply(self, records: pd.DataFrame) -> Mapped:
        """Map a page of records."""
        rows: dict[str, pd.Series] = {}
        findings: Findings = {}
        cut: dict[str, frozenset[int]] = {}
        records = records.reset_index(drop=True)
        for name, column in self._columns.items():
            mapped = column.apply(records)
            rows[name] = mapped.cells
            for position, finding in mapped.found.items():
                findings.setdefault(position, []).append(finding)
            if mapped.cut:
                cut[name] = mapped.cut
        frame = pd.DataFrame(rows, index=pd.RangeIndex(len(records)), copy=False)
        return Mapped(frame, dict(sorted(findings.items())), cut)

    def references(self, records: pd.DataFrame) -> list[object]:
        """Map nothing but the reference of each record; null where it has none or it cannot be mapped."""
        return self._columns[self._reference].apply(records.reset_index(drop=True)).cells.to_list()


class ColumnMapper:
    """The compiled rule of one target field."""

    def __init__(self, name: str, rule: FieldRule, system: System, converters: Converters, images: ImagePlace) -> None:
        self.name, self.rule, self.images = name, rule, images
        if name not in system.fields:
            raise ValueError(f"{system.label} has no such field{nearest(name, system.sendable)}")
        self.field = system.fields[name]
        if self.field.read_only:
            raise ValueError(f"{system.label} shows this field and does not take it, so it cannot be mapped")
        self.is_reference, self.reference_case = name in system.references, system.reference_case
        found = [(find(converters, step.name), step.argument) for step in rule.convert]
        steps = [Conversion(each, each.bind(argument), each.takes_text) for each, argument in found]
        self.join = steps.pop(0) if steps and steps[0].converter.joins else None
        self.steps = tuple(steps)
        self._refuse_unfit_steps()
        self.table = None if rule.table is None else {key: self._typed(value) for key, value in rule.table.items()}
        self.default = None if rule.omits else CLEAR if rule.clears else self._typed(rule.on_null)
        self.constant = self._typed(rule.const) if rule.is_constant else None

    def _refuse_unfit_steps(self) -> None:
        """Raise ValueError for converters in a place that is not theirs."""
        if any(step.converter.joins for step in self.steps):
            raise ValueError("a converter that joins columns comes first")
        columns = len(self.rule.sources)
        if columns > 1 and self.join is None:
            raise ValueError("takes several columns, and its first converter is none that joins them (join_words)")
        if self.join is not None and self.join.converter.width not in (None, columns):
            raise ValueError(f"{self.join.converter.name} takes {self.join.converter.width} columns, not {columns}")
        if self.is_reference and any(step.converter.shortens for step in self.steps):
            raise ValueError("a reference is never cut: what is left may name another customer")

    def apply(self, records: pd.DataFrame) -> MappedColumn:
        """Map one field of a page."""
        if self.rule.is_constant:
            return MappedColumn(self._filled(len(records)))
        column, absent = self._picked(records)
        found: dict[int, Finding] = {}
        cut: set[int] = set()
        if self.join is not None:
            column = self._joined(records, found)
        for step in self.steps:
            before = self._as_text(column, found) if step.converter.shortens else column
            column = self._converted(before, step, found)
            if step.converter.shortens:
                cut.update(_changes(before, column))
        if self.table is not None:
            column = self._looked_up(column, found)
        column, failures = cast(column, self.field, self.images)
        self._blame(failures, found, _path_finding)
        if self.is_reference:
            column = normalise(column, self.reference_case)
        return MappedColumn(self._defaulted(column, absent, found), found, frozenset(cut - found.keys()))

    def _picked(self, records: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
        """Take the one source column, and its absences apart; of several columns, the absences that all share."""
        columns = [records[name] for name in self.rule.sources]
        absent = reduce(np.logical_and, (absences(column) for column in columns))
        column = columns[0]
        if column.dtype == object:
            values = column.to_numpy(copy=True)
            values[absences(column) | nulls(column)] = None
            column = tidy(values)
        return column, absent

    def _joined(self, records: pd.DataFrame, found: dict[int, Finding]) -> pd.Series:
        assert self.join is not None
        texts: dict[str, pd.Series] = {}
        for name in self.rule.sources:
            column = records[name]
            texts[name] = self._as_text(column.where(~absences(column)), found)
        work = apply_records if self.join.converter.kind == "record" else apply_whole
        joined, failures = work(pd.DataFrame(texts), self.join.function)
        self._blame(failures, found, self.join.code_of)
        return joined

    def _converted(self, column: pd.Series, step: Conversion, found: dict[int, Finding]) -> pd.Series:
        if step.takes_text:
            column = self._as_text(column, found)
        work = apply if step.converter.kind == "value" else apply_whole
        column, failures = work(column, step.function)
        self._blame(failures, found, step.code_of)
        return column

    def _as_text(self, column: pd.Series, found: dict[int, Finding]) -> pd.Series:
        if is_text(column):
            return column
        column, failures = apply(column, canonical_text)
        self._blame(failures, found, lambda error: ("invalid_value", str(error)))
        # A page without a single value has no type of its own.
        return column if is_text(column) else tidy(column.to_numpy(dtype=object))

    def _looked_up(self, column: pd.Series, found: dict[int, Finding]) -> pd.Series:
        column, failures = apply(column, self._entry)
        self._blame(failures, found, lambda error: ("unmapped_value", str(error)))
        return column

    def _entry(self, value: object) -> object:
        assert self.table is not None
        text = canonical_text(value)
        if text in self.table:
            return self.table[text]
        quoted = "this value" if self.field.personal else repr(text[:QUOTED_CHARACTERS])
        raise UnmappedError(f"{quoted} has no entry in the job's table")

    def _defaulted(self, column: pd.Series, absent: np.ndarray, found: Mapping[int, Finding]) -> pd.Series:
        """Give null cells what the job says; absent and failed ones stay null, so that they are never sent as more."""
        if self.default is None:
            return column
        empty = nulls(column) & ~absent
        empty[list(found)] = False
        if not empty.any():
            return column
        values = column.to_numpy(dtype=object, copy=True)
        values[~empty & nulls(column)] = None
        for position in np.flatnonzero(empty):
            values[position] = self.default
        return tidy(values)

    def _typed(self, value: object) -> object:
        """Type a value that the job itself states; raises ValueError where the field does not take it."""
        if value is None:
            return None
        cell = np.empty(1, dtype=object)
        cell[0] = list(value) if isinstance(value, tuple) else value
        column, failures = cast(tidy(cell), self.field, self.images)
        if failures or type_mismatches(column, self.field).any():
            raise ValueError(f"{value!r} is no {self.field.type}")
        return normalise(column, self.reference_case).iloc[0] if self.is_reference else column.iloc[0]

    def _filled(self, length: int) -> pd.Series:
        values = np.empty(length, dtype=object)
        for position in range(length):
            values[position] = self.constant
        return tidy(values)

    def _blame(
        self, failures: Failures, found: dict[int, Finding], code_of: Callable[[Exception], tuple[str, str]]
    ) -> None:
        for position, error in failures.items():
            code, description = code_of(error)
            found.setdefault(position, Finding(code, self.name, description))


def _changes(before: pd.Series, after: pd.Series) -> list[int]:
    """List the positions of values that a converter changed."""
    changed = before.notna() & (before != after)
    return np.flatnonzero(changed.to_numpy(dtype=bool)).tolist()


def _path_finding(error: Exception) -> tuple[str, str]:
    match error:
        case UnsafePathError():
            code = "unsafe_path"
        case UnsafeAddressError():
            code = "unsafe_address"
        case _:
            code = "invalid_value"
    return code, str(error)


def _problems(fields: Mapping[str, FieldRule], system: System) -> Iterator[str]:
    for name, field in system.fields.items():
        needed = field.required or name == system.reference
        if needed and name not in fields:
            yield f"{system.label} requires the field {name}, and the job does not map it"
