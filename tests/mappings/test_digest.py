"""Digests of records and payloads, payloads themselves, and the fingerprint of a mapping."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.converter import Converter, load_converters
from mappings.digest import Digester, fingerprint, payloads
from mappings.field import FieldRule
from mappings.system import System
from mappings.value import ABSENT, CLEAR

KEY = b"k" * 32
DIGESTER = Digester(KEY)
CELLS = st.one_of(st.none(), st.text(st.sampled_from("a\x1e\x1f01\\"), max_size=4))

# The digests of one known page and payload under KEY; should they change, every ledger's customers are sent again.
RECORDS = ["b3c7d79c86274431f22729e6e97b95d2", "ae5061627bff9e4869c4b27017c26a31"]
PAYLOAD = "042e68df0dc1ab6bdcdf72f90ecd3b2f"

# What a process of its own makes of a page in several environments, from the records to the digests of the rows; a
# line for each. It imports for seconds, and only the hash seed cannot be changed afterwards.
SCRIPT = """
import itertools, locale, os, sys, time
from contextlib import suppress
from decimal import Decimal

import pandas as pd

from mappings.converter import load_converters
from mappings.digest import Digester, fingerprint, payloads
from mappings.field import FieldRule
from mappings.mapping import Mapper
from mappings.system import load_system

system, converters, digester = load_system("valomnia"), load_converters(), Digester(b"k" * 32)
records = pd.DataFrame({
    "no": ["\u00c5-1", "2", "3"], "first": ["\u0130smail i\u015f\u0131k", None, "I"], "last": ["Stra\u00dfe", "B", ""],
    "credit": ["1.234,50", None, "0,1"], "status": ["A", "X", "I"], "since": ["29.02.2024", None, "01.12.1999"],
    "land": ["T\u00fcrkei", "DE", "Norway"], "payments": ["7|8", "", None],
})
typed = pd.DataFrame({"a": ["\u00dcn\u00ef", None, ""], "b": [1, 2.5, True], "c": [Decimal("0.10"), None, b"x"]})

def line(ordered):
    fields = {
        "reference": "no",
        "name": {"from": ["first", "last"], "convert": ["join_words", "squeeze"]},
        "creditLimit": {"from": "credit", "convert": {"decimal": ","}},
        "isActive": {"from": "status", "values": ordered({"A": True, "X": False, "I": False})},
        "comment": {"from": "since", "convert": [{"date": "german"}, "lower"], "on_null": "clear"},
        "billingCountry": {"from": "land", "convert": "country_code"},
        "paymentTypes": {"from": "payments", "convert": {"split": "|"}},
        "fax": {"from": "first", "convert": ["upper"]},
    }
    rules = {name: FieldRule.model_validate(rule) for name, rule in ordered(fields).items()}
    rows = Mapper(rules, system, converters).apply(records)
    assert not rows.findings, rows.findings
    sent = payloads(rows.rows, range(3))
    nested = ordered({"b": Decimal("0.10"), "a": "\u00dc", "c": ["x", None, 7], "d": ordered({"z": 1, "y": False})})
    yield from (digest.hex() for frame in (records, typed) for digest in digester.records(frame))
    yield from (digester.payload(payload).hex() for payload in (*sent, nested))
    yield fingerprint(rules, ordered({"status": ["A", "X", "I"], "land": ["DE"]}), converters, system, "1.0")
    yield ascii([sorted(payload.items()) for payload in sent]).replace(" ", "")

for zone, language, order in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3], strict=True):
    os.environ["TZ"], turned = zone, order == "turned"
    time.tzset()
    with suppress(locale.Error):  # one that is not installed
        locale.setlocale(locale.LC_ALL, language)
    print(*line(lambda mapping: dict(reversed(mapping.items())) if turned else mapping))
"""
# By the seed and the locale that a process starts with, four further times: zone, locale, order of keys.
ENVIRONMENTS = {
    ("0", "C"): (
        *("UTC", "C", "straight", "America/New_York", "de_DE.UTF-8", "straight"),
        *("Asia/Tokyo", "C.UTF-8", "turned", "Pacific/Apia", "POSIX", "turned"),
    ),
    ("4711", "C.UTF-8"): (
        *("Asia/Kathmandu", "tr_TR.UTF-8", "turned", "Europe/Zurich", "ja_JP.UTF-8", "straight"),
        *("Africa/Cairo", "en_US.ISO-8859-1", "straight", "", "", "turned"),
    ),
}


def record(**cells: object) -> bytes:
    """Digest one record of objects."""
    return DIGESTER.records(pd.DataFrame({name: pd.Series([cell], dtype=object) for name, cell in cells.items()}))[0]


def test_t05_the_same_bytes_in_every_environment() -> None:
    """Hash seed, locale, time zone and order of keys change neither a payload nor a digest nor the fingerprint."""
    root = str(Path(__file__).parents[2])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, *arguments],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": language, "PYTHONPATH": root},
            stdout=subprocess.PIPE,
        )
        for (seed, language), arguments in ENVIRONMENTS.items()
    ]
    printed = [line for process in processes for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in processes] == [0, 0]
    assert (len(printed), len(set(printed))) == (8, 1)
    assert len(printed[0].split()) == 3 + 3 + 4 + 1 + 1


def test_digests_do_not_change_between_releases() -> None:
    """The digest of a known record and payload is what earlier ledgers hold."""
    frame = pd.DataFrame({"a": pd.Series(["Anna", None], dtype="str"), "b": pd.Series(["", "x\x1f"], dtype="str")})
    assert [digest.hex() for digest in DIGESTER.records(frame)] == RECORDS
    assert DIGESTER.payload({"name": "Anna", "isActive": True, "creditLimit": Decimal("5.00")}).hex() == PAYLOAD


def test_a_digest_has_sixteen_bytes_and_depends_on_the_key() -> None:
    """Another key, of whatever length, gives other digests; no key is refused."""
    assert len(record(a="x")) == 16
    frame = pd.DataFrame({"a": ["x"]})
    digests = {Digester(key).records(frame)[0] for key in (b"k", b"l", b"k" * 64, b"k" * 65, b"l" * 200)}
    assert len(digests) == 5
    with pytest.raises(ValueError, match="key"):
        Digester(b"")


def test_the_key_is_in_no_repr() -> None:
    """The key is a secret."""
    assert "kkk" not in repr(DIGESTER)


def test_records_differ_by_value_name_and_order() -> None:
    """Null, absent, empty, and texts that look like numbers are all different records, as are other columns."""
    cells: list[object] = [None, ABSENT, "", "0", 0, False, "false", "None", b"0", dt.date(2024, 1, 1), "2024-01-01"]
    digests = {record(a=cell) for cell in cells}
    digests |= {record(b=""), record(a="", b=""), record(b="", a=""), record(a="\n")}
    digests |= {record(**{"a\nb": "c"}), record(a="b\nc")}
    assert len(digests) == len(cells) + 6


@given(st.lists(CELLS, min_size=2, max_size=2), st.lists(CELLS, min_size=2, max_size=2))
def test_cells_never_run_into_each_other(left: list[str | None], right: list[str | None]) -> None:
    """Two records have one digest only if they are equal, whatever marks their texts hold."""
    same = record(a=left[0], b=left[1]) == record(a=right[0], b=right[1])
    assert same == (left == right)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_a_record_does_not_depend_on_its_page(cells: list[str | None]) -> None:
    """The digest is the same alone, among others, and in a column that a number made one of objects."""
    alone = [record(a=cell) for cell in cells]
    texts = pd.DataFrame({"a": pd.Series(cells, dtype="str")})
    mixed = pd.DataFrame({"a": pd.Series([*cells, 7], dtype=object)})
    assert DIGESTER.records(texts) == alone
    assert DIGESTER.records(mixed)[:-1] == alone


def test_whole_numbers_are_the_same_as_objects_and_as_floats() -> None:
    """A column that one null turned into floats still has the digests of its whole numbers."""
    assert DIGESTER.records(pd.DataFrame({"a": [7, 8]}))[0] == DIGESTER.records(pd.DataFrame({"a": [7, None]}))[0]


def test_even_broken_records_have_a_digest() -> None:
    """Lone surrogates and infinities are digested, each differently."""
    assert len({record(a="x\ud800"), record(a="x\ud801"), record(a=float("inf")), record(a=float("-inf"))}) == 4


def test_an_empty_page_has_no_digests() -> None:
    """No records give no digests."""
    assert DIGESTER.records(pd.DataFrame({"a": pd.Series([], dtype="str")})) == []


def test_payloads_differ_by_type_and_not_by_order() -> None:
    """A payload is what is sent: types and nesting count, the order of fields does not."""
    values: list[object] = [None, "", "None", "1", 1, Decimal("1.0"), True, ["1"], [1], [], ["a", "b"], [["a"], "b"]]
    assert len({DIGESTER.payload({"a": value}) for value in values}) == len(values)
    assert DIGESTER.payload({}) != DIGESTER.payload({"a": None})
    assert DIGESTER.payload({"a": "1", "b": 2}) == DIGESTER.payload({"b": 2, "a": "1"})
    assert DIGESTER.payload({"a": "1b=s1:2"}) != DIGESTER.payload({"a": "1", "b": "2"})


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    """The same image under another name is the same payload; a changed one is not."""
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    first.write_bytes(b"one")
    second.write_bytes(b"one")
    before = DIGESTER.payload({"imageFile": first})
    assert DIGESTER.payload({"imageFile": second}) == before
    second.write_bytes(b"two")
    assert DIGESTER.payload({"imageFile": second}) != before
    second.unlink()
    with pytest.raises(OSError, match="b\\.png"):
        DIGESTER.payload({"imageFile": second})


def test_a_text_has_a_digest() -> None:
    """Texts that are only to be recognised are digested by themselves."""
    assert DIGESTER.text("A1") == DIGESTER.text("A1") != DIGESTER.text("a1")


def test_payloads_leave_out_what_is_not_sent() -> None:
    """Null cells are left out, cleared ones are None, and only the chosen rows are made, in the order asked for."""
    rows = pd.DataFrame(
        {
            "reference": ["1", "2", "3"],
            "phone": ["x", None, ""],
            "fax": [CLEAR, None, "y"],
            "onHold": [None, False, True],
        }
    )
    assert payloads(rows, [2, 0]) == [
        {"reference": "3", "phone": "", "fax": "y", "onHold": True},
        {"reference": "1", "phone": "x", "fax": None},
    ]
    assert payloads(rows, []) == []


def test_the_fingerprint_names_the_mapping(valomnia: System, converters: dict[str, Converter]) -> None:
    """Each part of a mapping changes the fingerprint; the order in which a job names things does not."""
    rule, other = FieldRule.model_validate("a"), FieldRule.model_validate({"from": "a", "convert": "strip"})
    base = fingerprint({"name": rule, "fax": other}, {"s": ["A"]}, converters, valomnia, "1.0")
    assert base == fingerprint({"fax": other, "name": rule}, {"s": ["A"]}, converters, valomnia, "1.0")
    others = {
        fingerprint({"name": other, "fax": other}, {"s": ["A"]}, converters, valomnia, "1.0"),
        fingerprint({"name": rule, "fax": other}, {"s": ["B"]}, converters, valomnia, "1.0"),
        fingerprint({"name": rule, "fax": other}, None, converters, valomnia, "1.0"),
        fingerprint({"name": rule, "fax": other}, {"s": ["A"]}, converters, valomnia.adapted(reference="fax"), "1.0"),
        fingerprint({"name": rule, "fax": other}, {"s": ["A"]}, converters, valomnia, "1.1"),
    }
    assert len(others | {base}) == 6


def test_the_fingerprint_follows_a_users_converter(
    valomnia: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the source of a user's converter changes, the mapping has changed."""
    monkeypatch.syspath_prepend(tmp_path)
    prints = []
    for name, ending in (("first_version", "1"), ("second_version", "2")):
        lines = [
            "from mappings.converter import converter",
            "@converter",
            f"def own(value: str) -> str: return {ending!r}",
        ]
        (tmp_path / f"{name}.py").write_text("\n".join(lines))
        fields = {"name": FieldRule.model_validate({"from": "a", "convert": "own"})}
        prints.append(fingerprint(fields, None, load_converters([name]), valomnia, "1.0"))
    assert prints[0] != prints[1]
