"""Runs tests, and then searches all that they left for the secrets and people that their jobs are full of.

`python -m tests.canaries` runs every test, `python -m tests.canaries tests/flows -n 2` those that pytest is told, and
`python -m tests.canaries --only-search FOLDER` searches what an earlier call has left there. Searched are ledgers (on
a server: before they are dropped), exports, Prefect's databases, storage and logs, and all that was printed or logged;
not searched are the tests' own inputs, where such values belong: job files, source files and databases, journals of
sandboxes. Exit code 1 where something is found, or a test fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import canary
from tests.flows import canary as scene

TOKENS: Mapping[str, str] = {
    **canary.SECRETS,
    "target password of the scene": scene.PASSWORD,
    "user name of the scene": scene.USERNAME,
    "ledger key of the scene": scene.KEY,
    **{f"e-mail address {number}": address for number, address in enumerate(canary.EMAILS, start=1)},
    **{f"e-mail address of {reference}": values[1] for reference, values in scene.PEOPLE.items()},
}

# A job holds secrets where no variable does; a sandbox's journal holds what it was sent, and so does a source.
_INPUTS = frozenset({".csv", ".jsonl", ".py", ".pyc", ".xlsx", ".yaml", ".zip"})
_SQLITE = b"SQLite format 3\x00"
_OURS_IN_SQLITE = (b"CREATE TABLE intents", b"flow_run")  # a ledger, and Prefect's database; others are sources
_OURS_IN_CSV = b"run_id,job,"  # an export


@dataclass(frozen=True, slots=True)
class Hit:
    """A token, by its name, in a file."""

    file: Path
    token: str


def search(folder: Path) -> Iterator[Hit]:
    """Find the tokens, in whatever case, in a folder's files; inputs of tests are passed over."""
    wanted = {name: token.lower().encode() for name, token in TOKENS.items()}
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()):
        content = path.read_bytes()
        if not _is_input(path, content):
            lowered = content.lower()
            yield from (Hit(path, name) for name, token in wanted.items() if token in lowered)


def _is_input(path: Path, content: bytes) -> bool:
    if content.startswith(_SQLITE):
        return not any(each in content for each in _OURS_IN_SQLITE)
    if content.startswith(_OURS_IN_CSV):
        return False
    return path.suffix in _INPUTS or _is_environment(path)


def _is_environment(path: Path) -> bool:
    """Say whether Prefect's worker handed its environment to a run in this file, for its owner alone.

    It is removed at the run's end; where a test kills the worker, it stays.
    """
    is_handed = path.name == "workspace.json" and path.parent.name.startswith("prefect-workspace-attempt-")
    return is_handed and not path.stat().st_mode & 0o077


class Listener:
    """Keeps what tests print and log; xdist's workers tell it to the first process."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what was captured, without the traceback of a failed test, which shows the test itself."""
        canary.keep(*(text for _, text in report.sections if report.when == "teardown"))


def run(folder: Path, arguments: list[str]) -> int:
    """Run tests whose output is kept in a folder."""
    for name in ("kept", "tmp"):
        (folder / name).mkdir()
    folder.chmod(0o755)  # some tests are another user for a while
    (folder / "tmp").chmod(0o1777)
    os.environ |= {canary.SEARCHED: str(folder / "kept"), "TMPDIR": str(folder / "tmp")}
    tempfile.tempdir = None  # it is looked up anew
    planted = Path(__file__).with_name("test_canaries.py")  # the tests of the search itself leave hits
    options = ["-q", "--basetemp", str(folder / "base"), "--ignore", str(planted)]
    return int(pytest.main([*options, *arguments], [Listener()]))


def main() -> int:
    """Run, search and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--only-search", type=Path, metavar="FOLDER", help="a folder that is there already")
    asked, arguments = parser.parse_known_args()
    folder = asked.only_search or Path(tempfile.mkdtemp(prefix="canaries-"))
    code = 0 if asked.only_search else run(folder, arguments)
    files = sum(path.is_file() for path in folder.rglob("*"))
    hits = list(search(folder))
    told = [f"{hit.file.relative_to(folder)}: {hit.token}" for hit in hits]
    sys.stdout.write("\n".join([*told, f"{len(hits)} hits in {files} files of {folder}", ""]))
    return int(bool(code or hits))


if __name__ == "__main__":
    sys.exit(main())
