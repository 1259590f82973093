"""Codes, their advice, and the merging of stages."""

from __future__ import annotations

import re
from pathlib import Path

from mappings import finding
from mappings.description import OUR_VERDICTS
from mappings.finding import CODES, Finding, merge
from mappings.system import System, explain


def test_every_code_of_ours_is_explained() -> None:
    """Each code has a title, a cause and an advice in whole sentences."""
    for advice in CODES.values():
        assert advice.title
        assert advice.cause.endswith(".")
        assert advice.advice.endswith(".")
    assert {code for code, _ in OUR_VERDICTS.values()} <= CODES.keys()


def test_every_code_that_mappings_gives_is_explained() -> None:
    """No code stands in the code of mappings that `explain` does not know."""
    folder = Path(finding.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    given = set(re.findall(r'Finding\(\s*"(\w+)"', source)) | set(re.findall(r'return "(\w+_\w+)", ', source))
    assert {"missing_key", "invalid_value", "converter_failed"} <= given <= CODES.keys()


def test_the_systems_own_meaning_comes_first(valomnia: System) -> None:
    """A code that the vendor documents is explained by the system's description."""
    assert explain("not_unique", valomnia).title == "Reference already used"
    assert explain("not_unique") == CODES["not_unique"]


def test_an_unknown_code_is_unclassified(valomnia: System) -> None:
    """A code that nobody describes still gets an advice."""
    assert explain("teapot", valomnia) == CODES["unclassified"]


def test_a_field_is_blamed_once_over_the_stages() -> None:
    """What could not be converted is not also missing, while findings on other fields are all kept."""
    unreadable = Finding("invalid_value", "name", "is bad")
    missing = Finding("missing_param", "name", "name parameter is missing")
    other = Finding("invalid_param_type", "isActive", "wrong")
    assert merge({3: [unreadable]}, {3: [missing, other], 1: [missing]}) == {1: [missing], 3: [unreadable, other]}


def test_one_stage_may_blame_a_field_twice() -> None:
    """Two codes of one stage on the same field are both kept."""
    first, second = Finding("a", "name", ""), Finding("b", "name", "")
    assert merge({0: [first, second]}) == {0: [first, second]}
