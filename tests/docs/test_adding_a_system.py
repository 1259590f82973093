"""A system is added to a copy of the project as the page says, and works; nothing else of the copy is touched."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.catalogue import open_sandbox
from connectors.sandbox.server import running
from tests.docs.acme import KEY, acme_app
from tests.docs.page import ADDING, ROOT, blocks, named_blocks
from tests.flows.command import Said, start_python

FOLDERS = ("connectors", "mappings", "flows")
MAIN = "import sys; sys.argv[0] = 'rollcall'; from flows.cli import main; main()"


@dataclass
class Copy:
    """A copy of the project, a folder with jobs beside it, and the servers that the jobs name."""

    root: Path
    work: Path
    acme: SandboxApp
    valomnia: SandboxApp
    variables: Mapping[str, str]
    before: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, self.root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.before = self.digests()

    def digests(self) -> Mapping[str, str]:
        """Sum up every file of the project."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return {path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def write_blocks(self) -> None:
        """Write what the page shows, where it says; what has no folder lies in the one of the jobs."""
        for name, text in named_blocks(ADDING).items():
            path = (self.root if "/" in name else self.work) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (customers,) = blocks("csv", ADDING)
        (self.work / "customers.csv").write_text(customers.text, encoding="utf-8")

    def shell(self, line: str) -> Said:
        """Call a command in a process of its own, over the copy."""
        command, *arguments = shlex.split(line, comments=True)
        assert command == "rollcall"
        environment = {
            **self.variables,
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PREFECT_HOME": str(self.work / "prefect"),
            "DO_NOT_TRACK": "1",
        }
        return start_python(MAIN, *arguments, environment=environment, cwd=self.work)


@contextmanager
def copied(folder: Path) -> Iterator[Copy]:
    """Copy the project, and serve Acme and Valomnia."""
    opened = open_sandbox("valomnia")
    acme = acme_app()
    with running(acme) as acme_url, running(opened.app) as valomnia_url:
        variables = {"ACME_URL": acme_url, "ACME_KEY": KEY, "VALOMNIA_URL": valomnia_url}
        variables |= {f"VALOMNIA_{name.upper()}": value for name, value in opened.credentials.items()}
        work = folder / "work"
        work.mkdir()
        yield Copy(folder / "copy", work, acme, opened.app, variables)


def commands() -> list[str]:
    """List the commands that the page shows."""
    return [line for block in blocks("sh", ADDING) for line in block.text.splitlines()]


def counts(said: Said) -> Mapping[str, int]:
    """Read the outcomes that are not zero."""
    outcomes = ("created", "updated", "unchanged", "filtered", "invalid", "rejected", "deferred")
    return {name: said.json[name] for name in outcomes if said.json[name]}


def test_a_system_is_added_with_one_description_and_one_connector(tmp_path: Path) -> None:
    """The page's commands, in its order, do what it says beside them; no file was there before or was changed."""
    with copied(tmp_path) as copy:
        copy.write_blocks()
        for line in commands():
            said = copy.shell(f"{line.partition('#')[0]} --json")
            assert said.code == 0, (line, said.err)
            if promised := re.search(r"# three are (\w+)", line):
                assert counts(said) == {promised[1]: 3}, line
            if said.json.get("unchanged"):
                assert said.json["requests"] == 0, line
        assert [line.split()[1] for line in commands()] == ["check", "run", "run"] * 2
        check_acme(copy.acme)
        check_valomnia(copy.valomnia)
        after = copy.digests()
        assert {name for name in after if after[name] != copy.before.get(name)} == {
            "connectors/acme.py",
            "mappings/systems/acme.yaml",
        }
        assert copy.before.keys() <= after.keys()


def check_acme(app: SandboxApp) -> None:
    """See that Acme holds the customers of the page's table, its tiers by their ids."""
    held = {str(each["code"]): each for each in app.vendor.customers("")}
    assert {code: each["name"] for code, each in held.items()} == {
        "C-1": "Alpha Ltd",
        "C-2": "Beta AG",
        "C-3": "Gamma SA",
    }
    first = held["C-1"]
    assert (first["email"], first["country"], first["creditLimit"]) == ("office@alpha.example", "DE", 1500.5)
    assert [held[code]["tier"] for code in sorted(held)] == [2, 1, None]


def check_valomnia(app: SandboxApp) -> None:
    """See that Valomnia holds what Acme showed, by the fields that mean the same."""
    held = {each["reference"]: each for each in app.vendor.customers("http://sandbox")}
    assert {code: each["name"] for code, each in held.items()} == {
        "C-1": "Alpha Ltd",
        "C-2": "Beta AG",
        "C-3": "Gamma SA",
    }
    first = held["C-1"]
    assert (first["email"], first["billingCountry"], first["creditLimit"]) == ("office@alpha.example", "DE", 1500.5)


def test_without_its_two_files_the_system_is_unknown(tmp_path: Path) -> None:
    """A job that names a kind that nobody added is refused, and the kinds that there are are named."""
    with copied(tmp_path) as copy:
        copy.write_blocks()
        (copy.root / "mappings/systems/acme.yaml").unlink()
        said = copy.shell("rollcall check crm-to-acme.yaml")
        assert said.code == 2
        assert "there is no kind 'acme'" in said.err
        assert "valomnia" in said.err
