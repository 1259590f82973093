"""The delimiter is found by a rule that has one answer, and set where the rule has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.csv_file.delimiter import find_delimiter
from connectors.protocol import ConfigurationError
from tests.connectors.csv_file.reading import opened, rows


def found(text: str) -> str:
    """Find the delimiter of a text."""
    return find_delimiter(text.splitlines(keepends=True), "customers.csv")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_each_of_four_is_found(mark: str) -> None:
    """By the header alone, and with records."""
    header = mark.join(["no", "name", "city"])
    assert found(f"{header}\n") == mark
    assert found(header + f"\n1{mark}Jäger{mark}\n") == mark


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("no;credit\n1;1.500,00\n2;0,50\n", ";"),  # a decimal comma in every record
        ('no;"name, first";city\n1;"Jäger, Ida";Bern\n', ";"),  # quoted commas divide nothing
        ("no;name, first;city\n1;Ida;Bern\n", ";"),  # the records disagree with the comma of the header
        ("no,flags (a|b)\n1,a\n2,b\n", ","),
        ("no,name\n1,x\n2,y,extra\n3\n", ","),  # a record too long or too short is a reject, not another delimiter
        ("no;a;b,c\n1;2\n", ";"),  # none agrees: the one that makes the most columns
        ('no;name\n1;"two\nlines; and more"\n2;x\n', ";"),
        ('no;name\n1;"never closed\n2;x\n', ";"),
        ("name\nx\n", ","),  # one column
        ("", ","),
    ],
)
def test_what_the_values_hold_does_not_mislead_it(text: str, mark: str) -> None:
    """Header and records together decide; a bad record does not."""
    assert found(text) == mark


def test_only_twenty_records_are_asked() -> None:
    """What stands further down changes nothing, so that a file does not turn over as it grows."""
    assert found("a;b,c\n" + "1;2\n" * 20 + "1,2\n" * 100) == ";"


def test_two_that_fit_alike_are_told() -> None:
    """Where the rule has no answer the setting is named."""
    with pytest.raises(ConfigurationError, match=r"may be divided by a comma or a semicolon; set source\.delimiter"):
        found("a,b;c\n1,2;3\n")


def test_a_set_delimiter_is_not_questioned(tmp_path: Path) -> None:
    """Even where another would fit better."""
    (tmp_path / "customers.csv").write_text("a,b;c\n1,2;3\n")
    assert opened(tmp_path, delimiter=";").open() == ("a,b", "c")
    assert rows(opened(tmp_path, delimiter=",")) == [["1", "2;3"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_it_is_found_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    """By characters, not by bytes."""
    (tmp_path / "customers.csv").write_text("no;name\n1;Jäger, Ida\n", encoding=encoding)
    settings = {} if encoding == "utf-8-sig" else {"encoding": encoding}
    source = opened(tmp_path, **settings)
    assert source.open() == ("no", "name")
    assert rows(source) == [["1", "Jäger, Ida"]]


def test_each_file_of_a_pattern_has_its_own(tmp_path: Path) -> None:
    """One office exports with commas, the other with semicolons."""
    (tmp_path / "a.csv").write_text("no,name\n1,x\n")
    (tmp_path / "b.csv").write_text("no;name\n2;y\n")
    assert rows(opened(tmp_path, "*.csv", key="no")) == [["1", "x"], ["2", "y"]]
