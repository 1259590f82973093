"""Pandera schemas: of a job's records as they come, and of rows as a system's description wants them.

`check` turns failures into findings by position. Pandera drops no row here, and its error texts, which carry values,
are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import pandas as pd
import pandera.errors
import pandera.pandas as pa
from pandera.config import ValidationDepth, config_context

from mappings import constraint
from mappings.description import Constraint, SystemField
from mappings.finding import Finding, Findings
from mappings.reference import unsafe
from mappings.system import System
from mappings.value import Mask, canonical_text, is_text

# What flows hold on to without importing pandera.
Schema: TypeAlias = pa.DataFrameSchema

RowTest: TypeAlias = Callable[[pd.DataFrame], Mask]
CellsTest: TypeAlias = Callable[[pd.Series], Mask]
PairTest: TypeAlias = Callable[[pd.Series, pd.Series], Mask]

# A customer's longest sensible text by far; a megabyte in one cell is a broken file.
LONGEST_TEXT = 65_536
QUOTED_CHARACTERS = 40


class MissingColumnError(LookupError):
    """The page lacks a column that the job names: the source has changed, no record is to blame."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to test, and the finding for every row that breaks it."""

    finding: Finding
    breaks: RowTest
    quotes: bool = False  # whether the finding's words show the cell's value


class Requirement:
    """Parts that belong together, as the function of one pandera check.

    It answers pandera with a single truth value. With a series pandera would copy the failing values into its error,
    which costs ten times the check itself (12 ms against 1 ms a page of 1,000), and those values are personal.
    """

    def __init__(self, name: str, parts: Iterable[Part]) -> None:
        self.name = name
        self.parts = tuple(parts)

    def __call__(self, frame: pd.DataFrame) -> bool:
        """Say whether the whole page is sound."""
        return not any(part.breaks(frame).any() for part in self.parts)

    def findings(self, frame: pd.DataFrame) -> Iterator[tuple[int, Finding]]:
        """Name every row that breaks a part, by position."""
        for part in self.parts:
            try:
                broken = part.breaks(frame)
            except Exception:  # noqa: BLE001 - a check that raises must cost its row, not the run
                yield from self._one_by_one(part, frame)
                continue
            for position in np.flatnonzero(broken).tolist():
                yield position, _worded(part, frame, position)

    def _one_by_one(self, part: Part, frame: pd.DataFrame) -> Iterator[tuple[int, Finding]]:
        for position in range(len(frame)):
            try:
                broken = bool(part.breaks(frame.iloc[position : position + 1]).any())
            except Exception as error:  # noqa: BLE001 - as above
                words = f"the check {self.name} raised {type(error).__name__}"
                yield position, Finding("rule_error", part.finding.field, words)
                continue
            if broken:
                yield position, _worded(part, frame, position)


def schema_of(name: str, columns: Iterable[str], requirements: Iterable[Requirement]) -> Schema:
    """Make a pandera schema of columns that must exist and requirements on them; `check` reads its findings."""
    kept = {each.name: each for each in requirements if each.parts}
    return pa.DataFrameSchema(
        {column: pa.Column(None, nullable=True) for column in columns},
        checks=[pa.Check(each, name=each.name, ignore_na=False) for each in kept.values()],
        name=name,
        metadata={"requirements": kept},
    )


def source_schema(columns: Iterable[str], key: Iterable[str] = ()) -> Schema:
    """Describe records by what the job needs of them: its columns, a key that is never null, text that is text."""
    keys = tuple(key)
    needed = tuple(dict.fromkeys((*keys, *sorted(columns))))
    long = f"has more than {LONGEST_TEXT} characters"
    return schema_of(
        "records",
        needed,
        [
            Requirement(
                "key", [_cell(Finding("missing_key", name, "the key is missing"), constraint.missing) for name in keys]
            ),
            Requirement(
                "decodable",
                [
                    _cell(Finding("undecodable", name, "holds unreadable characters"), constraint.undecodable)
                    for name in needed
                ],
            ),
            Requirement(
                "length",
                [
                    _cell(Finding("too_long", name, long), partial(constraint.longer, limit=LONGEST_TEXT))
                    for name in needed
                ],
            ),
        ],
    )


def target_schema(system: System, fields: Iterable[str], looked_up: Collection[str] = ()) -> Schema:
    """Describe rows by the system's description; what a row breaks bears the system's own code and words.

    Of the entities `looked_up` a name or a reference may stand for an id; of the others the id itself must be there.
    """
    present = [name for name in system.fields if name in set(fields)]
    described = {name: system.fields[name] for name in present}
    return schema_of(
        f"rows for {system.label}",
        present,
        [
            Requirement("required", _required(system, described)),
            Requirement("reference", _references(system, described)),
            Requirement("type", (*_types(system, described), *_ids(system, described, looked_up))),
            Requirement("limits", _limits(system, described)),
            Requirement("dependence", (*_dependences(system, described), *_parallels(system, described))),
            Requirement("file", _files(system, described)),
        ],
    )


def check(schema: Schema, frame: pd.DataFrame) -> Findings:
    """Run a schema of this module on a page, and return what is wrong with which position.

    Raises MissingColumnError where a needed column is not there. A row bears each code once per field.
    """
    try:
        # The environment can switch pandera off (PANDERA_VALIDATION_ENABLED); no customer may go unchecked.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as failure:
        # `from None` and nothing of its text: pandera's errors hold the values themselves.
        errors = failure.schema_errors
    else:
        return {}
    requirements: dict[str, Requirement] = (schema.metadata or {})["requirements"]
    findings: Findings = {}
    for error in errors:
        if error.reason_code is pandera.errors.SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME:
            raise MissingColumnError(f"the page has no column {error.failure_cases}") from None
        for position, finding in requirements[error.check.name].findings(frame):
            _add(findings.setdefault(position, []), finding)
    return dict(sorted(findings.items()))


def _add(known: list[Finding], finding: Finding) -> None:
    if all((finding.code, finding.field) != (each.code, each.field) for each in known):
        known.append(finding)


def _worded(part: Part, frame: pd.DataFrame, position: int) -> Finding:
    if not part.quotes:
        return part.finding
    value = canonical_text(frame[part.finding.field].iloc[position])[:QUOTED_CHARACTERS]
    return replace(part.finding, description=part.finding.description.replace("{value}", value))


def _cell(finding: Finding, breaks: CellsTest) -> Part:
    return Part(finding, lambda frame: breaks(frame[finding.field]))


def _required(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    for name, field in described.items():
        if field.required or name == system.reference:
            yield _cell(system.finding("required", name), constraint.missing)


def _references(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    words = "the reference is `.` or `..`, or holds control or invisible characters"
    for name in described.keys() & system.references:
        yield _cell(Finding("unsafe_reference", name, words), _unsafe)


def _unsafe(column: pd.Series) -> Mask:
    # What is not text is the type check's to name.
    return unsafe(column) if is_text(column) else np.zeros(len(column), dtype=bool)


def _types(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    for name, field in described.items():
        yield _cell(system.finding("type", name), partial(constraint.type_mismatches, field=field))


def _ids(system: System, described: dict[str, SystemField], looked_up: Collection[str]) -> Iterator[Part]:
    for name, field in described.items():
        entity = system.entity(name)
        if entity is not None and entity.sends == "id" and field.refers_to not in looked_up:
            yield _cell(system.finding("type", name), constraint.no_ids)


def _limits(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    for name, field in described.items():
        tests: dict[Constraint, CellsTest] = {}
        if field.choices:
            tests["choices"] = partial(constraint.no_choice, choices=frozenset(field.choices))
        if field.pattern is not None:
            tests["pattern"] = partial(constraint.other_form, pattern=field.pattern)
        if field.max_length is not None:
            tests["max_length"] = partial(constraint.longer, limit=field.max_length)
        if field.min_length is not None:
            tests["min_length"] = partial(constraint.shorter, limit=field.min_length)
        if field.max_items is not None:
            tests["max_items"] = partial(constraint.more_items, limit=field.max_items)
        if field.minimum is not None or field.maximum is not None:
            tests["range"] = partial(constraint.outside, minimum=field.minimum, maximum=field.maximum)
        for broken, test in tests.items():
            finding = system.finding(broken, name)
            yield replace(_cell(finding, test), quotes="{value}" in finding.description)


def _dependences(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    """Test fields that another field of the row makes required, or from which they must differ."""
    for name, field in system.fields.items():
        finding = system.finding("required", name)
        if field.required_when is not None and field.required_when.field in described:
            when = field.required_when
            yield Part(finding, partial(_lacks, name, partial(_holds, when.field, when.equals)))
        given = [other for other in system.demanding(name) if other in described]
        if given:
            yield Part(finding, partial(_lacks, name, partial(_any_given, given)))
        if field.other_than is not None and name in described and field.other_than in described:
            yield Part(system.finding("other_than", name), partial(_compared, constraint.equal, name, field.other_than))


def _parallels(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    """Test the lists of one object for being of one length: the same place in each belongs to one item."""
    first: dict[str, str] = {}
    for name, field in described.items():
        if field.parallel:
            other = first.setdefault(name.rpartition(".")[0], name)
            yield Part(system.finding("parallel", name), partial(_compared, constraint.uneven, name, other))


def _lacks(name: str, demanded: RowTest, frame: pd.DataFrame) -> Mask:
    if name not in frame:
        return demanded(frame)
    lacking = constraint.missing(frame[name])
    return lacking & demanded(frame) if lacking.any() else lacking


def _holds(name: str, value: object, frame: pd.DataFrame) -> Mask:
    return constraint.equals(frame[name], value)


def _any_given(names: Iterable[str], frame: pd.DataFrame) -> Mask:
    given: Mask = np.logical_or.reduce([~constraint.missing(frame[name]) for name in names])
    return given


def _compared(breaks: PairTest, left: str, right: str, frame: pd.DataFrame) -> Mask:
    return breaks(frame[left], frame[right])


def _files(system: System, described: dict[str, SystemField]) -> Iterator[Part]:
    for name, field in described.items():
        if field.type != "file":
            continue
        yield _cell(Finding("missing_file", name, f"the file of {name} is not there"), constraint.absent_file)
        if field.max_bytes is not None:
            yield _cell(system.finding("file_size", name), partial(constraint.larger_file, limit=field.max_bytes))
        if field.formats:
            yield _cell(
                system.finding("file_type", name), partial(constraint.other_file, formats=frozenset(field.formats))
            )
