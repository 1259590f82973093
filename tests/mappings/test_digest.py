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

# What a process of its own digests; printed as one line.
SCRIPT = """
import pandas as pd
from decimal import Decimal
from mappings.digest import Digester
digester = Digester(b"k" * 32)
frame = pd.DataFrame({"a": ["Ünï", None, ""], "b": [1, 2.5, True]})
payload = {"b": Decimal("0.10"), "a": "Ünï", "c": ["x", None, 7], "d": {"z": 1, "y": False}}
if KEY_ORDER: payload = dict(reversed(payload.items()))
print(*(digest.hex() for digest in digester.records(frame)), digester.payload(payload).hex())
"""


def record(**cells: object) -> bytes:
    """Digest one record of objects."""
    return DIGESTER.records(pd.DataFrame({name: pd.Series([cell], dtype=object) for name, cell in cells.items()}))[0]


def test_the_same_digest_in_every_environment() -> None:
    """Hash seed, locale, time zone and order of keys do not change a digest."""
    seen = set()
    environments = [
        {"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone, "KEY_ORDER": order}
        for seed, locale, zone, order in [
            ("0", "C", "UTC", "0"),
            ("1", "C.UTF-8", "Asia/Tokyo", "1"),
            ("random", "de_DE.UTF-8", "America/New_York", "0"),
        ]
    ]
    for environment in environments:
        script = f"KEY_ORDER = {environment['KEY_ORDER']}\n{SCRIPT}"
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            check=True,
            capture_output=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1
    assert len(seen.pop().split()) == 4


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
