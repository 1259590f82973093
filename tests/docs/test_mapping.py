"""The mapping author's page is true: converters, what comes out of them, and the fields of every system."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mappings.converter import ConversionError, Converter, load_converters
from mappings.field import FieldRule
from mappings.system import System, SystemField, load_system, system_names
from tests.docs.job import write_modules
from tests.docs.page import MAPPING, first_column, table, text_of

BUILT_IN_CONVERTERS = load_converters()


def test_every_key_of_a_rule_is_documented() -> None:
    """The mapping author's table of keys has those of a rule, and no other."""
    assert set(first_column(MAPPING, "key", "step")) == {
        field.alias or name for name, field in FieldRule.model_fields.items()
    }


def converter_examples() -> list[list[str]]:
    """List the lines of the table of converters."""
    return table(MAPPING, "converter", "argument", "source", "result")


def test_every_converter_is_documented() -> None:
    """The mapping author's table of converters has every built-in one, and no other."""
    assert {cells[0].strip("`") for cells in converter_examples()} == set(BUILT_IN_CONVERTERS)


def convert(converter: Converter, value: Any, argument: Any) -> Any:
    """Call a converter of any kind on one value, or on one value per column."""
    function = converter.bind(argument)
    match converter.kind:
        case "value":
            return function(value)
        case "column":
            changed = function(pd.Series([value], dtype="str")).iloc[0]
            return None if pd.isna(changed) else changed
        case "record":
            return function(tuple(value))
        case "join":
            frame = pd.DataFrame({str(at): pd.Series([part], dtype="str") for at, part in enumerate(value)})
            return function(frame).iloc[0]


@pytest.mark.parametrize("cells", [pytest.param(cells, id=" ".join(cells)) for cells in converter_examples()])
def test_every_example_of_a_converter_is_true(cells: list[str]) -> None:
    """What the table says comes out of a value does, or is refused in the words that it shows."""
    name, argument, source, result = (cell.strip("`") for cell in cells)
    converter = BUILT_IN_CONVERTERS[name]
    value, given = ast.literal_eval(source), ast.literal_eval(argument) if argument else None
    if result.startswith("refused: "):
        with pytest.raises(ConversionError) as caught:
            convert(converter, value, given)
        assert str(caught.value) == result.removeprefix("refused: ")
        return
    actual = convert(converter, value, given)
    expected = Decimal(result) if isinstance(actual, Decimal) else ast.literal_eval(result)
    assert (type(actual), str(actual)) == (type(expected), str(expected))


def field_table(system: System) -> str:
    """Write the table of a system's fields as its description has them."""
    lines = ["| field | takes | means | shown as | demands |", "|---|---|---|---|---|"]
    for name, field in system.fields.items():
        takes = f"list of {field.items}" if field.items else field.type
        shown = "never" if field.write_only else f"`{field.read}`" if field.read else ""
        demanded = "; ".join(demands(name, system))
        lines.append(f"| `{name}` | {takes} | {field.means or ''} | {shown} | {demanded} |")
    return "\n".join(lines)


def demands(name: str, system: System) -> Iterator[str]:
    """Say in words what a field demands beyond its type."""
    field = system.fields[name]
    if field.read_only:
        yield "only shown, never sent"
    if field.create_only:
        yield "only with a new customer"
    yield from needs(field)
    if field.other_than is not None:
        yield f"not the customer's own `{field.other_than}`"
    entity = system.entity(name)
    if entity is not None:
        yield f"a {entity.label}, sent by its {entity.sends}"
    yield from limits(field)


def needs(field: SystemField) -> Iterator[str]:
    """Say when a field is required."""
    if field.required:
        yield "required"
    if field.required_when is not None:
        yield f"required where `{field.required_when.field}` is {str(field.required_when.equals).lower()}"
    if field.required_with is not None:
        yield f"required with `{field.required_with}`"
    if field.required_with_any is not None:
        yield f"required with any of `{field.required_with_any}`"


def limits(field: SystemField) -> Iterator[str]:
    """Say what a field's values are held to."""
    if field.choices:
        yield f"one of {', '.join(field.choices)}"
    if field.pattern is not None:
        yield f"of the form `{field.pattern}`"
    if field.minimum is not None or field.maximum is not None:
        yield field.range
    bounds = {"characters at most": field.max_length, "characters at least": field.min_length}
    bounds |= {"entries at most": field.max_items, "bytes at most": field.max_bytes}
    yield from (f"{bound:,} {words}" for words, bound in bounds.items() if bound is not None)
    if field.formats:
        yield f"as {', '.join(field.formats)}"
    if field.read_values:
        yield f"shown as {', '.join(f'{shown} for {sent}' for shown, sent in field.read_values.items())}"


@pytest.mark.parametrize("name", system_names())
def test_the_table_of_fields_is_that_of_the_description(name: str) -> None:
    """The mapping author's page shows each system's fields as its description has them."""
    system = load_system(name)
    found = re.search(rf"<!-- fields of {name} -->\n(.*?)<!-- end -->", text_of(MAPPING), re.DOTALL)
    assert found, f"the page has no place for the fields of {name}"
    expected = field_table(system)
    assert found[1].strip() == expected, f"the table must be:\n{expected}"


def test_the_converter_of_the_page_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter that the page shows takes an argument and refuses what is no number."""
    write_modules(tmp_path, monkeypatch)
    found = load_converters(["house_converters"])["customer_number"]
    assert found("7") == "C-000007"
    assert found.bind("K-")("7") == "K-000007"
    with pytest.raises(ConversionError):
        found("seven")
