"""The documentation is true: what it names exists, what exists is named, and its examples run."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import typer
from pydantic import BaseModel
from ruamel.yaml import YAML

from connectors import protocol
from connectors.csv_file import CsvSettings
from connectors.database import DatabaseSettings
from connectors.protocol import Source
from connectors.valomnia import ValomniaSettings, ValomniaSourceSettings
from flows.cli import app
from flows.document import JobError
from flows.job import Guards, Job, load_job
from flows.ledger.record import Counts
from flows.plan import compile_job
from flows.summary import ExitCode
from mappings.converter import ConversionError, Converter, load_converters
from mappings.field import FieldRule
from mappings.finding import CODES
from mappings.system import System, SystemField, load_system, system_names

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MAPPING = ROOT / "docs" / "mapping-author.md"
OPERATOR = ROOT / "docs" / "operator.md"
SOURCE = ROOT / "docs" / "source.md"
CONNECTOR = ROOT / "docs" / "connector-author.md"
PAGES = sorted([README, *(ROOT / "docs").glob("*.md")])

BUILT_IN_CONVERTERS = load_converters()
TWO_COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt && .venv/bin/rollcall demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -r requirements-dev.txt && .venv/bin/pytest",
)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
VARIABLE = re.compile(r"\$\{(\w+)\}")
SECRET_BLOCK = re.compile(r"\{\{ prefect\.blocks\.secret\.[\w-]+ \}\}")

# What a fragment of a job leaves out.
REST: Mapping[str, Any] = {
    "job": "example",
    "source": {"kind": "csv", "path": "customers.csv"},
    "target": {"kind": "valomnia", "base_url": "https://acme.valomnia.com", "username": "u", "password": "p"},
    "fields": {"reference": "no", "name": "name"},
}


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """What the block is called in test reports."""
        return f"{self.page}-{self.text.splitlines()[0][:30]}"


def text_of(page: Path) -> str:
    """Read a page."""
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list[Block]:
    """List the fenced blocks of all pages in a language."""
    found = [Block(page.name, *match) for page in PAGES for match in FENCE.findall(text_of(page))]
    return [block for block in found if block.language == language]


def code_spans(page: Path) -> list[str]:
    """List what stands in backticks outside fenced blocks."""
    return CODE_SPAN.findall(FENCE.sub("", text_of(page)))


def table(page: Path, *header: str) -> list[list[str]]:
    """Read the cells of the one table with this header."""
    lines = text_of(page).splitlines()
    head = f"| {' | '.join(header)} |"
    assert lines.count(head) == 1, f"{page.name} has no table, or several, under {head}"
    rows = []
    for line in lines[lines.index(head) + 2 :]:
        if not line.startswith("|"):
            break
        cells = [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == len(header), f"{page.name}: {line}"
        rows.append(cells)
    assert rows
    return rows


def first_column(page: Path, *header: str) -> list[str]:
    """Read the names in backticks in the first column of a table."""
    return [cells[0].strip("`") for cells in table(page, *header)]


# --- commands ------------------------------------------------------------------------------------------------------


def commands(group: Any = None, before: str = "") -> dict[str, set[str]]:
    """List the commands of the command line, each with its options."""
    group = group or typer.main.get_command(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{name} ")
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            found[before + name] = {option for option in options if option.startswith("--")}
    return found


def mentions() -> Iterator[tuple[str, str]]:
    """List every command line of ours in the pages, without `rollcall` itself."""
    for page in PAGES:
        shell = [line for block in blocks("sh") if block.page == page.name for line in block.text.splitlines()]
        for line in [*code_spans(page), *shell]:
            ours = re.search(r"(?:^|/)rollcall (\S.*)$", line)
            if ours:
                yield page.name, ours[1]


def test_every_command_and_option_is_documented() -> None:
    """README and the operator's page name every command, and each option somewhere as code."""
    described = text_of(README) + text_of(OPERATOR)
    for command, options in commands().items():
        assert f"`rollcall {command}" in described, f"rollcall {command} is not described"
        for option in options:
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", described), f"{option} of {command} is not described"


@pytest.mark.parametrize(("page", "line"), [pytest.param(*each, id=" ".join(each)) for each in mentions()])
def test_every_command_in_the_pages_exists(page: str, line: str) -> None:
    """A command line that a page shows names a command that exists, and only options that it takes."""
    words = shlex.split(line, comments=True)
    known = commands()
    command = next((name for name in known if words[: len(name.split())] == name.split()), None)
    assert command is not None, f"{page}: there is no command rollcall {line}"
    assert {word for word in words if word.startswith("--")} <= known[command], f"{page}: rollcall {line}"


def test_every_option_in_the_pages_exists() -> None:
    """An option that stands alone as code is one of ours."""
    known = set().union(*commands().values())
    for page in PAGES:
        named = {span.split()[0] for span in code_spans(page) if span.startswith("--")}
        assert named <= known, page.name


def test_the_exit_codes_are_those_of_the_program() -> None:
    """README lists each exit code, and no other; the operator's statuses end with some of them."""
    codes = {str(int(code)) for code in ExitCode}
    assert set(first_column(README, "exit code", "meaning")) == codes
    ends = " ".join(cells[2] for cells in table(OPERATOR, "status", "the run", "exit code"))
    assert set(re.findall(r"\d+", ends)) <= codes


def test_the_outcomes_are_those_of_the_ledger() -> None:
    """Both tables of outcomes have the seven that the ledger counts, in its order."""
    outcomes = [name for name in Counts.__slots__ if name != "extracted"]
    assert first_column(README, "outcome", "the record") == outcomes
    assert first_column(OPERATOR, "outcome", "meaning", "to do") == outcomes


# --- jobs ----------------------------------------------------------------------------------------------------------


def keys_of(model: type[BaseModel], before: str = "") -> set[str]:
    """List the keys that a model reads from a job file."""
    return {before + (field.alias or name) for name, field in model.model_fields.items()}


# The shortest source of each kind; of two keys that exclude each other it has one.
SOURCES: Mapping[str, Mapping[str, Any]] = {
    "csv": REST["source"],
    "database": {"kind": "database", "url": "sqlite:///crm.db", "table": "customers", "key": "id"},
    "valomnia": {"kind": "valomnia", "base_url": "https://acme.valomnia.com", "username": "u", "password": "p"},
}
SOURCE_MODELS: Mapping[str, type[BaseModel]] = {
    "csv": CsvSettings,
    "database": DatabaseSettings,
    "valomnia": ValomniaSourceSettings,
}


def key_tables() -> Iterator[tuple[list[list[str]], Mapping[str, Any]]]:
    """Give each table of keys with the shortest job that it is about."""
    yield table(OPERATOR, "key", "meaning", "default"), REST
    for kind, source in SOURCES.items():
        yield table(SOURCE, f"{kind} key", "meaning", "default"), {**REST, "source": source}


def test_every_job_key_is_documented() -> None:
    """The operator's table of keys has those of the job's models, and no other."""
    sections: dict[str, type[BaseModel]] = {"target": ValomniaSettings, "guards": Guards}
    expected = keys_of(Job) - {"path", "source", *sections}
    for name, model in sections.items():
        expected |= keys_of(model, f"{name}.")
    documented = first_column(OPERATOR, "key", "meaning", "default")
    assert set(documented) == expected
    assert len(documented) == len(expected)


@pytest.mark.parametrize("kind", SOURCE_MODELS)
def test_every_key_of_a_source_is_documented(kind: str) -> None:
    """Each kind's table on the page about sources has the keys of its model, and no other."""
    documented = first_column(SOURCE, f"{kind} key", "meaning", "default")
    assert sorted(documented) == sorted(keys_of(SOURCE_MODELS[kind], "source."))


def write_job(folder: Path, values: Mapping[str, Any]) -> Path:
    """Write a job file."""
    with (folder / "job.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(dict(values), file)
    return folder / "job.yaml"


def parts_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a job so that its sections can be changed."""
    return {name: dict(value) if isinstance(value, dict) else value for name, value in job.items()}


def test_the_documented_defaults_are_true(tmp_path: Path) -> None:
    """A job that states every default of a table of keys is the same as one that states none of them."""
    for rows, shortest in key_tables():
        stated = parts_of(shortest)
        for cells in rows:
            key, default = cells[0].strip("`"), cells[2].strip("`")
            section, _, name = key.rpartition(".")
            place = stated[section] if section and section in stated else stated
            if default == "required":
                assert name in place, f"{key} is called required, and the shortest job does without it"
            elif default not in {"none", "all"}:
                place[name] = default
        assert load_job(write_job(tmp_path, stated), {}) == load_job(write_job(tmp_path, shortest), {})


def test_what_is_called_required_is(tmp_path: Path) -> None:
    """A job without one of the keys that a table of keys calls required is refused, and the key named."""
    for rows, shortest in key_tables():
        for key in [cells[0].strip("`") for cells in rows if cells[2] == "required"]:
            section, _, name = key.rpartition(".")
            lacking = parts_of(shortest)
            del (lacking[section] if section else lacking)[name]
            with pytest.raises(JobError, match=key):
                load_job(write_job(tmp_path, lacking), {})


def test_every_key_of_a_rule_is_documented() -> None:
    """The mapping author's table of keys has those of a rule, and no other."""
    assert set(first_column(MAPPING, "key", "step")) == keys_of(FieldRule)


def converter_modules(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the modules that the pages show, and let them be imported for as long as a test runs."""
    for block in blocks("python"):
        named = re.match(r"# (\w+)\.py\n", block.text)
        assert named, f"{block.page}: a Python block begins with the name of its file"
        (folder / f"{named[1]}.py").write_text(block.text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, named[1], raising=False)
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in blocks("yaml")])
def test_every_job_in_the_pages_can_be_read(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job, or a part of one filled up to a whole, is read without complaint, and its fields compile."""
    converter_modules(tmp_path, monkeypatch)
    text = SECRET_BLOCK.sub("${SECRET}", block.text)
    fragment: Mapping[str, Any] = YAML().load(text)
    assert block.page != "README.md" or "job" in fragment, "the README shows a whole job"
    if "job" not in fragment:
        merged: dict[str, Any] = {**REST, **fragment}
        merged["fields"] = {**REST["fields"], **merged["fields"]}
        write_job(tmp_path, merged)
    else:
        (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    job = load_job(tmp_path / "job.yaml", dict.fromkeys(VARIABLE.findall(text), "from-the-environment"))
    plan = compile_job(job, b"key")
    assert plan.mapper.fields == tuple(job.fields)


# --- converters, fields, codes ---------------------------------------------------------------------------------------


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


def connector_codes() -> set[str]:
    """List the codes of the refusals that connectors word themselves."""
    files = [path for path in (ROOT / "connectors").rglob("*.py") if "sandbox" not in path.parts]
    calls = [
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal"
    ]
    words = [node for call in calls for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
    return {str(node.value) for node in words}


def test_every_code_is_documented() -> None:
    """The operator's table of codes has ours, the systems' and the connectors', each once, and no other."""
    systems = [load_system(name) for name in system_names()]
    expected = set(CODES) | connector_codes() | {code for system in systems for code in system.codes}
    documented = first_column(OPERATOR, "code", "means", "to do")
    assert set(documented) == expected
    assert len(documented) == len(expected)


# --- protocols -------------------------------------------------------------------------------------------------------


def test_every_error_of_the_connectors_is_documented() -> None:
    """The connector author's table of errors has every class under ConnectorError."""
    found = {
        value.__name__
        for value in vars(protocol).values()
        if isinstance(value, type) and issubclass(value, protocol.ConnectorError)
    }
    assert set(first_column(CONNECTOR, "class", "means", "what follows")) == found - {"ConnectorError"}


def test_every_part_of_the_protocols_is_documented() -> None:
    """The connector author's page names every field and method of the border types."""
    spans = " ".join(code_spans(CONNECTOR))
    for each in (protocol.Page, protocol.Row, protocol.Answer, protocol.Source, protocol.Target):
        parts = {*getattr(each, "__annotations__", {}), *(name for name in vars(each) if not name.startswith("_"))}
        for name in parts:
            assert re.search(rf"\b{name}\b", spans), f"{each.__name__}.{name} is not described"


def test_the_smallest_source_keeps_the_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source that the page shows pages through everything, reads on after a cursor, and finds keys."""
    converter_modules(tmp_path, monkeypatch)
    customers: list[dict[str, str | None]] = [{"id": str(number), "name": None} for number in range(5)]
    source: Source = importlib.import_module("list_source").ListSource(customers)
    assert source.open() == ("id", "name")
    pages = list(source.pages(None, 2))
    assert [list(page.keys) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert [page.counted for page in pages] == [2, 2, 1]
    assert [len(page.records) for page in pages] == [2, 2, 1]
    assert pages[0].records["name"].isna().all()
    assert [list(page.keys) for page in source.pages(pages[0].cursor, 2)] == [["2", "3"], ["4"]]
    assert [list(page.keys) for page in source.read_keys(["3", "gone"], 2)] == [["3"]]
    source.close()


def test_the_converter_of_the_page_converts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter that the page shows takes an argument and refuses what is no number."""
    converter_modules(tmp_path, monkeypatch)
    found = load_converters(["house_converters"])["customer_number"]
    assert found("7") == "C-000007"
    assert found.bind("K-")("7") == "K-000007"
    with pytest.raises(ConversionError):
        found("seven")


# --- the pages themselves --------------------------------------------------------------------------------------------


def test_the_readme_is_short_and_holds_the_two_commands() -> None:
    """README has at most 150 lines, and the two commands stand in it as lines of their own."""
    lines = text_of(README).splitlines()
    assert len(lines) <= 150
    for command in TWO_COMMANDS:
        assert command in lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link of a page leads to a file of the repository; none leads out of it."""
    for target in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", text_of(page))):
        assert not re.match(r"\w+:", target), f"{page.name} depends on {target}"
        assert (page.parent / target.partition("#")[0]).is_file(), f"{page.name}: {target} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A path of the repository that stands as code is there."""
    named = [span for span in code_spans(page) if re.match(r"(connectors|mappings|flows|tests|docs|\.ci)/", span)]
    for span in named:
        assert (ROOT / span.split()[0]).exists(), f"{page.name}: {span} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    """No page holds an absolute path, a home folder, or an address other than an example's."""
    text = text_of(page)
    assert not re.search(r"(?<![\w.:/{}])(~|/(home|Users|root|tmp|work|mnt|opt|srv|usr|var|etc))/", text)
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert hosts <= {"acme.valomnia.com", "ORGANISATION.valomnia.com", "127.0.0.1"}
