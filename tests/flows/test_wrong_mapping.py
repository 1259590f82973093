"""Mappings that are wrong (FAULTS.md T01) or try to be programs (T08): refused before a record is read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.flows.command import Place, Shell, complaint

ROOT = Path(__file__).parents[2]
NAME = "  name: {from: company, convert: strip}\n"
CALL = "__import__('os').system('touch hacked')"

UNKNOWN = {
    "an unknown target field": (NAME, NAME + "  nickname: company\n", "fields.nickname: Valomnia has no such field"),
    "a field that is only shown": (NAME, NAME + "  lastUpdated: company\n", "shows this field and does not take it"),
    "two sources for one field": (NAME, NAME + "  name: mail\n", 'found duplicate key "name"'),
    "two columns side by side": ("from: mail, convert: email", "from: [mail, company]", "takes several columns"),
    "a required field left out": (NAME, "", "Valomnia requires the field name"),
    "a constant and a column": ("{from: mail, convert: email}", "{from: mail, const: x}", "`const` stands alone"),
    "an unknown converter": ("convert: email", "convert: emial", "unknown converter emial; did you mean email?"),
}
PROGRAMS = {
    "a call as a converter": ("convert: email", f'convert: "{CALL}"', "unknown converter __import__"),
    "an attribute of a converter": ("convert: email", 'convert: "email.__globals__"', "unknown converter email.__glob"),
    "a method of text": ("convert: email", "convert: format", "unknown converter format"),
    "a function of Python": ("convert: email", "convert: {eval: 1}", "unknown converter eval"),
    "a long loop": ("convert: email", 'convert: "sum(range(10**9))"', "unknown converter sum(range(10**9))"),
    "a thousand million digits": ("convert: email", "convert: {leading_zeros: 1000000000}", "leading_zeros: "),
    "a module without converters": ("page_size: 2", "page_size: 2\nconverters: [os]", "the module os has no converter"),
    "a path as a module": ("page_size: 2", 'page_size: 2\nconverters: ["../evil"]', "cannot be imported"),
    "a call as a module": ("page_size: 2", f'page_size: 2\nconverters: ["{CALL}"]', "cannot be imported"),
    "an object of Python": ("convert: email", "convert: !!python/name:os.system x", "the tag "),
}  # fmt: skip # a table: it reads in rows


@pytest.mark.parametrize(("old", "new", "message"), UNKNOWN.values(), ids=list(UNKNOWN))
def test_t01_fields_that_are_unknown_or_doubled(
    place: Place, rollcall: Shell, old: str, new: str, message: str
) -> None:
    """The job is refused as it stands: its source need not even be there, and the target is not asked."""
    (place.folder / "customers.csv").unlink()
    place.change_job(old, new)
    assert message in complaint(place, rollcall, "run", place.job)


@pytest.mark.parametrize("command", ["run", "check"])
def test_t01_a_column_that_the_source_lacks(place: Place, rollcall: Shell, command: str) -> None:
    """The header tells, and no record after it is read: the first one could not be."""
    place.write_customers('no,company,mail\nC-1,"Alpha,a@alpha.example\n')
    place.change_job("from: company", "from: compny")
    said = rollcall(command, place.job)
    assert said.code == 2
    assert "no column 'compny'; did you mean company?" in said.out + said.err
    assert [request for request in place.requests if "customers" in request] == []
    assert "rollcall.db" not in place.files


@pytest.mark.parametrize(("old", "new", "message"), PROGRAMS.values(), ids=list(PROGRAMS))
def test_t08_a_mapping_is_no_program(place: Place, rollcall: Shell, old: str, new: str, message: str) -> None:
    """What is none of the known names is refused by its name, at once and without a trace."""
    place.change_job(old, new)
    assert message in complaint(place, rollcall, "run", place.job)


def test_t08_code_as_a_value_is_text(place: Place, rollcall: Shell) -> None:
    """In a constant, a table, a default or a record code is a text like any other, and arrives as such."""
    place.write_customers(f'no,company,mail\nC-1,"{CALL}",\nC-2,{{0.__class__}},x\n')
    place.change_job(
        "  email: {from: mail, convert: email}\n",
        f'  comment: {{const: "{CALL}"}}\n  phone: {{from: mail, values: {{x: "${{{{7*7}}}}"}}, on_null: "{CALL}"}}\n',
    )
    assert rollcall("run", place.job, "--json").code == 0
    held = {each["reference"]: each for each in place.app.vendor.customers("")}
    assert [held[no]["name"] for no in ("C-1", "C-2")] == [CALL, "{0.__class__}"]
    assert {each["comment"] for each in held.values()} == {CALL}
    assert [held[no]["phone"] for no in ("C-1", "C-2")] == [CALL, "${{7*7}}"]
    assert "hacked" not in place.files


def test_t08_nothing_is_evaluated() -> None:
    """No module of ours calls what would make a program of a text."""
    called: dict[str, set[str]] = {}
    for path in (path for folder in ("connectors", "mappings", "flows") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr="eval" | "query" as name)):
                    called.setdefault(name, set()).add(path.name)
    assert "isinstance" in called, "the search must be able to find what is there"
    assert called.keys() & {"eval", "exec", "compile", "__import__", "query", "execfile"} == set()
