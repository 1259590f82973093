"""The rule of one field, as a job writes it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mappings.field import FieldRule


def test_a_text_is_a_source_column() -> None:
    """The short form names a column and nothing else."""
    rule = FieldRule.model_validate("customer_no")
    assert rule.sources == ("customer_no",)
    assert rule.omits


def test_the_long_form_takes_lists_and_single_values() -> None:
    """`from` and `convert` may be one or several, and a converter may carry its argument."""
    rule = FieldRule.model_validate({"from": ["a", "b"], "convert": ["join_words", {"split": ","}]})
    assert rule.sources == ("a", "b")
    assert [(step.name, step.argument) for step in rule.convert] == [("join_words", None), ("split", ",")]
    assert [step.name for step in FieldRule.model_validate({"from": "a", "convert": "strip"}).convert] == ["strip"]
    assert FieldRule.model_validate({"from": "a", "convert": {"split": "|"}}).convert[0].argument == "|"


def test_keys_of_values_are_texts() -> None:
    """YAML's true and 2 in a table of values match the texts of a file."""
    rule = FieldRule.model_validate({"from": "a", "values": {True: "A", 2: "B", "x": None}})
    assert rule.table == {"true": "A", "2": "B", "x": None}


def test_a_constant_may_be_false() -> None:
    """A constant is known by being stated, not by being truthy."""
    assert FieldRule.model_validate({"const": False}).is_constant


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"from": "a", "convrt": "strip"}, "unknown key convrt; did you mean convert"),
        ({"from": "a", "const": "b"}, "stands alone"),
        ({"const": "b", "convert": "strip"}, "stands alone"),
        ({"const": None}, "leave the field out"),
        ({"convert": "strip"}, "neither"),
        ({}, "neither"),
        ({"from": "a", "values": {None: "b"}}, "on_null"),
        ({"from": "a", "convert": [{"split": ",", "strip": 1}]}, "one name with its argument"),
        (7, "FieldRule"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_reason(rule: object, reason: str) -> None:
    """Each mistake in a rule is named when the job is read."""
    with pytest.raises(ValidationError, match=reason):
        FieldRule.model_validate(rule)


def test_errors_do_not_show_what_the_job_says() -> None:
    """A rule's error does not repeat its input, which may hold personal values."""
    with pytest.raises(ValidationError) as caught:
        FieldRule.model_validate({"from": "a", "values": {"secret-canary": object()}})
    assert "input_value" not in str(caught.value)
