"""What a mapping tells of texts that it cut, and converters of several columns of one record."""

from __future__ import annotations

import pandas as pd
import pytest

from mappings.converter import Converter, load_converters
from mappings.field import FieldRule
from mappings.mapping import Mapper, MappingError
from mappings.system import System
from tests.mappings.conftest import MapRecords
from tests.mappings.test_mapping import frame, texts


def test_the_positions_of_what_was_cut_are_told(map_records: MapRecords) -> None:
    """By field; what fitted, null, and what a converter refused is not among them, and nothing else is cut."""
    fields = {
        "billingCity": {"from": "city", "convert": ["strip", {"truncate": 5}]},
        "email": {"from": "mail", "convert": ["email", {"truncate": 8}]},
        "comment": "city",
    }
    records = texts(
        city=["  Berlin ", "Bonn", None, "Hamburg"], mail=["a@b.de", None, "no address at all", "anna@b.de"]
    )
    mapped = map_records(fields, records)
    assert mapped.rows["billingCity"].fillna("").to_list() == ["Berli", "Bonn", "", "Hambu"]
    assert mapped.cut == {"billingCity": {0, 3}, "email": {3}}
    assert list(mapped.findings) == [2]


def test_typed_values_count_as_cut_only_where_they_are(map_records: MapRecords) -> None:
    """That a number became text is no cut."""
    mapped = map_records({"comment": {"from": "n", "convert": {"truncate": 3}}}, frame(n=[7, 12345, None, "ab"]))
    assert mapped.rows["comment"].fillna("").to_list() == ["7", "123", "", "ab"]
    assert mapped.cut == {"comment": {1}}


def test_nothing_is_told_where_nothing_was_cut(map_records: MapRecords) -> None:
    """Not even the field."""
    assert map_records({"comment": {"from": "n", "convert": {"truncate": 3}}}, texts(n=["ab", None])).cut == {}


def test_what_cannot_be_cut_is_a_finding_and_no_cut(map_records: MapRecords) -> None:
    """The words are ours, and the neighbours are cut all the same."""
    rule = {"from": "n", "convert": {"truncate": 2}}
    mapped = map_records({"comment": rule}, texts(n=["\U0001f469\u200d\U0001f373", "abc"]))
    assert [finding.description for finding in mapped.findings[0]] == ["cannot be cut to so few characters"]
    assert mapped.cut == {"comment": {1}}


@pytest.mark.parametrize("name", ["reference", "parentCustomer"])
def test_a_reference_is_never_cut(map_records: MapRecords, name: str) -> None:
    """What is left of it may be another customer's: that is a mistake of the job."""
    with pytest.raises(MappingError, match=f"{name}: a reference is never cut"):
        map_records({name: {"from": "n", "convert": {"truncate": 3}}}, texts(n=["a"]))


def test_a_converter_of_ones_own_can_be_counted(valomnia: System) -> None:
    """Where it is declared to shorten."""
    converters = load_converters(["tests.mappings.sample_converters"])
    rules = {"reference": "no", "name": {"from": "name", "convert": "initial"}}
    fields = {name: FieldRule.model_validate(rule) for name, rule in rules.items()}
    mapped = Mapper(fields, valomnia, converters).apply(texts(no=["1", "2"], name=["Anna", "B"]))
    assert mapped.cut == {"name": {0}}


def test_several_columns_of_a_record_make_one_value(map_records: MapRecords) -> None:
    """Each combination by itself; nulls alone stay null, and one that is refused costs its own records alone."""
    records = texts(
        tel=["030 123456", "01 58 80 00", None, "12", "12", "+49 30 123456"],
        land=["Germany", "AT", None, "DE", "DE", None],
    )
    mapped = map_records({"phone": {"from": ["tel", "land"], "convert": "phone_by_country"}}, records)
    assert mapped.rows["phone"].fillna("").to_list() == ["+4930123456", "+431588000", "", "", "", "+4930123456"]
    assert {at: [each.code for each in found] for at, found in mapped.findings.items()} == {
        3: ["invalid_value"],
        4: ["invalid_value"],
    }


def test_each_combination_is_converted_once(valomnia: System, converters: dict[str, Converter]) -> None:
    """Numbers that stand there a thousand times cost one call."""
    calls: list[object] = []

    def counted(cells: tuple[str | None, str | None]) -> str:
        calls.append(cells)
        return "x"

    found = {**converters, "counted": Converter(counted, "record")}
    rules = {"reference": "a", "name": {"from": ["a", "b"], "convert": ["counted", "upper"]}}
    fields = {name: FieldRule.model_validate(rule) for name, rule in rules.items()}
    records = texts(a=["1", "1", "2", "1"], b=["x", "x", None, "y"])
    mapped = Mapper(fields, valomnia, found).apply(records)
    assert mapped.rows["name"].to_list() == ["X"] * 4
    assert calls == [("1", "x"), ("2", None), ("1", "y")]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"from": "a", "convert": "phone_by_country"}, "phone_by_country takes 2 columns, not 1"),
        ({"from": ["a", "b", "a"], "convert": "phone_by_country"}, "phone_by_country takes 2 columns, not 3"),
        ({"from": ["a", "b"], "convert": ["join_words", "phone_by_country"]}, "comes first"),
    ],
)
def test_a_converter_of_several_columns_stands_first_and_has_them_all(
    map_records: MapRecords, rule: dict[str, object], reason: str
) -> None:
    """What does not suit it is said before any record."""
    with pytest.raises(MappingError, match=reason):
        map_records({"phone": rule}, pd.DataFrame())
