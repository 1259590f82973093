"""A dependency that is replaced upstream: every version is pinned, of further needs too (FAULTS.md X29)."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FILES = ("requirements.txt", "requirements-dev.txt")


def lines(name: str) -> list[str]:
    """Read what a file asks for, without its remarks."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [bare for line in text.splitlines() if (bare := line.partition("#")[0].strip())]


def requirements(name: str) -> list[Requirement]:
    """Read the requirements of a file; its last line is the project itself."""
    return [Requirement(line) for line in lines(name)[:-1]]


@pytest.mark.parametrize("name", FILES)
def test_x29_every_version_is_pinned(name: str) -> None:
    """Each line names one version exactly, and none another place to load from."""
    assert lines(name)[-1].startswith((".", "-e ."))
    for each in requirements(name):
        assert re.fullmatch(r"==[0-9][\w.+!]*", str(each.specifier)), each
        assert each.url is None


@pytest.mark.parametrize("name", FILES)
def test_x29_nothing_that_is_needed_is_left_open(name: str) -> None:
    """What a pinned package needs is pinned too, so that an installer has nothing to choose."""
    found = {canonicalize_name(each.name): each for each in requirements(name)}
    missing = set()
    for package, requirement in found.items():
        try:
            needed = [Requirement(each) for each in requires(package) or ()]
        except PackageNotFoundError:
            continue  # not for this platform
        for each in needed:
            extras = {"", *requirement.extras}
            applies = each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
            if applies and canonicalize_name(each.name) not in found:
                missing.add(f"{each.name} (of {package})")
    assert missing == set()
