"""The pages name every command, option, exit code and outcome, and no other."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from flows.cli import app
from flows.ledger.record import Counts
from flows.summary import ExitCode, Verification
from tests.docs.page import OPERATOR, PAGES, README, blocks, code_spans, first_column, table, text_of


def commands(group: Any = None, before: str = "") -> dict[str, set[str]]:
    """List the commands of the command line, each with its options."""
    group = group or typer.main.get_command(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{name} ")
        else:
            options = {
                option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]
            }
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


def test_the_findings_of_a_comparison_are_those_of_the_program() -> None:
    """The operator's table has what a comparison may find of a customer, in the program's order."""
    found = [name for name in Verification.__slots__ if name not in {"counted", "requests"}]
    assert first_column(OPERATOR, "found", "the customer", "to do") == found
