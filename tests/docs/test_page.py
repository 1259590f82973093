"""The pages themselves: the README's length and commands, links, files that are named, and addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.page import FENCE, PAGES, README, ROOT, code_spans, named_blocks, text_of

TWO_COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q -r requirements.txt && .venv/bin/rollcall demo",
    "python3 -m venv .venv && .venv/bin/pip install -q -r requirements-dev.txt && .venv/bin/pytest -n auto",
)
HOSTS = {"acme.valomnia.com", "ORGANISATION.valomnia.com", "api.jtl-cloud.com", "auth.jtl-cloud.com", "127.0.0.1"}


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
    """A path of the repository that stands as code is there, but for the files that the page itself shows."""
    named = [span for span in code_spans(page) if re.match(r"(connectors|mappings|flows|tests|docs|\.ci)/", span)]
    shown = {place for name in named_blocks(page) for place in (name, f"{name.removesuffix('.py')}/")}
    for span in set(named) - shown:
        assert (ROOT / span.split()[0]).exists(), f"{page.name}: {span} is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    """No page holds an absolute path, a home folder, or an address other than an example's."""
    text = text_of(page)
    assert not re.search(r"(?<![\w.:/{}])(~|/(home|Users|root|tmp|work|mnt|opt|srv|usr|var|etc))/", text)
    hosts = set(re.findall(r"https?://([\w.-]+)", text))
    assert hosts <= HOSTS
