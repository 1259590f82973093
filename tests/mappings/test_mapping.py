"""From records to rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from yarl import URL

from mappings.converter import Converter, load_converters
from mappings.digest import payloads
from mappings.field import FieldRule
from mappings.finding import Finding
from mappings.mapping import Mapper, MappingError
from mappings.system import System
from mappings.value import ABSENT, CLEAR
from tests.mappings.conftest import MapRecords


def frame(**columns: list[object]) -> pd.DataFrame:
    """Make records of objects, as a typed source gives them."""
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


def texts(**columns: list[str | None]) -> pd.DataFrame:
    """Make records of texts, as a file gives them."""
    return pd.DataFrame({name: pd.Series(cells, dtype="str") for name, cells in columns.items()})


def rules(**fields: object) -> dict[str, FieldRule]:
    """Read rules as a job does."""
    return {name: FieldRule.model_validate(rule) for name, rule in fields.items()}


@pytest.mark.parametrize(
    ("on_null", "sent"),
    [
        ("omit", [{}, {}, {"comment": ""}, {"comment": "x"}]),
        ("clear", [{}, {"comment": None}, {"comment": ""}, {"comment": "x"}]),
        ("none known", [{}, {"comment": "none known"}, {"comment": ""}, {"comment": "x"}]),
    ],
)
def test_absent_null_and_empty_are_three_things(map_records: MapRecords, on_null: str, sent: list[object]) -> None:
    """An absent cell is never sent, a null as `on_null` says, and an empty text is sent as it is."""
    records = frame(note=[ABSENT, None, "", "x"])
    mapped = map_records({"comment": {"from": "note", "on_null": on_null}}, records)
    assert not mapped.findings
    rest = {"reference": "R1", "name": "Anna"}
    assert payloads(mapped.rows, range(4)) == [{**rest, **each} for each in sent]  # type: ignore[dict-item]  # `rest` is text, `each` is not


def test_ids_whose_case_means_nothing_are_written_in_lower_case(
    tradevest: System, valomnia: System, converters: dict[str, Converter]
) -> None:
    """An entity of tradevest has one spelling, whether it comes from a column or the job; elsewhere case stays."""
    upper = "7D0A3C52-61DE-4A0F-8A43-5F1B9F6C2E70"
    records = texts(no=[f" {upper} ", upper.lower()])
    for rule in (
        "no",
        {"const": upper},
        {"from": "no", "convert": "strip", "values": {upper: upper, upper.lower(): upper}},
    ):
        fields = rules(entityId=rule, entityType={"const": "LEGAL_ENTITY"})
        mapped = Mapper(fields, tradevest, converters).apply(records)
        assert (mapped.findings, mapped.rows["entityId"].tolist()) == ({}, [upper.lower()] * 2)
    fields = rules(reference="no", name={"const": "Anna"}, parentCustomer="no")
    rows = Mapper(fields, valomnia, converters).apply(records).rows
    assert rows["reference"].tolist() == rows["parentCustomer"].tolist() == [upper, upper.lower()]


def test_one_of_several_columns_may_be_absent(map_records: MapRecords) -> None:
    """A joined field is absent only where all its columns are; otherwise absent parts are left out like nulls."""
    records = frame(a=[ABSENT, ABSENT, None, "A"], b=[ABSENT, "B", None, "B"])
    mapped = map_records({"comment": {"from": ["a", "b"], "convert": "join_words", "on_null": "clear"}}, records)
    sent = [payload.get("comment", "nothing") for payload in payloads(mapped.rows, range(4))]
    assert sent == ["nothing", "B", None, "A B"]


def test_references_are_normalised(map_records: MapRecords) -> None:
    """The reference and the parent's are trimmed and composed alike, whatever their type."""
    mapped = map_records({"reference": "no", "parentCustomer": "up"}, frame(no=[" A1 ", 7], up=["Cafe\u0301 ", None]))
    assert mapped.rows["reference"].tolist() == ["A1", "7"]
    assert mapped.rows["parentCustomer"].iloc[0] == "Café"


def test_values_are_looked_up(map_records: MapRecords) -> None:
    """A table gives typed values; what has no entry is a finding, and null is none."""
    records = texts(status=["A", "X", "B", None, ""])
    mapped = map_records({"isActive": {"from": "status", "values": {"A": True, "X": False}}}, records)
    assert payloads(mapped.rows, [0, 1, 3]) == [
        {"reference": "R1", "name": "Anna", "isActive": True},
        {"reference": "R1", "name": "Anna", "isActive": False},
        {"reference": "R1", "name": "Anna"},
    ]
    assert mapped.findings == {
        2: [Finding("unmapped_value", "isActive", "'B' has no entry in the job's table")],
        4: [Finding("unmapped_value", "isActive", "'' has no entry in the job's table")],
    }


def test_typed_values_are_looked_up_by_their_text(map_records: MapRecords) -> None:
    """A database's 1 and true find the entries that YAML wrote as numbers or texts."""
    mapped = map_records({"comment": {"from": "s", "values": {1: "one", "true": "yes"}}}, frame(s=[1, True, "1"]))
    assert mapped.rows["comment"].tolist() == ["one", "yes", "one"]


def test_findings_on_personal_fields_show_no_value(map_records: MapRecords) -> None:
    """The value of a personal field is in no finding."""
    records = texts(mail=["canary"], country=["canary"])
    mapped = map_records(
        {"email": {"from": "mail", "values": {"a": "b"}}, "country": {"from": "country", "convert": "country_code"}},
        records,
    )
    assert mapped.findings[0] == [
        Finding("unmapped_value", "email", "this value has no entry in the job's table"),
        Finding("invalid_value", "country", "is not a country"),
    ]


def test_a_failed_value_gets_no_default(map_records: MapRecords) -> None:
    """A value that could not be converted is neither defaulted nor cleared."""
    rule = {"from": "country", "convert": "country_code", "on_null": "clear"}
    mapped = map_records({"country": rule}, texts(country=["Atlantis", None]))
    assert mapped.rows["country"].isna().tolist() == [True, False]
    assert mapped.rows["country"].iloc[1] is CLEAR
    assert list(mapped.findings) == [0]


def test_a_users_converter_may_raise_anything(valomnia: System) -> None:
    """The records on which it raises get the name of the error without its text, and all others are mapped."""
    mapper = Mapper(
        rules(reference="no", name={"from": "name", "convert": "fragile"}),
        valomnia,
        load_converters(["tests.mappings.sample_converters"]),
    )
    mapped = mapper.apply(texts(no=["1", "2", "3"], name=["Anna", "bad canary", "Berta"]))
    assert mapped.findings == {1: [Finding("converter_failed", "name", "fragile raised ValueError")]}
    assert mapped.rows["name"].iloc[[0, 2]].tolist() == ["Anna", "Berta"]


@pytest.mark.parametrize(
    ("name", "failed", "words"),
    [("fragile_column", [1], "raised RuntimeError"), ("shortening_column", [0, 1, 2], "raised TypeError")],
)
def test_a_users_column_converter_costs_only_its_records(
    valomnia: System, name: str, failed: list[int], words: str
) -> None:
    """When a converter breaks on a whole page, the records to blame are found one by one."""
    converters = load_converters(["tests.mappings.sample_converters"])
    mapper = Mapper(rules(reference="no", name={"from": "name", "convert": name}), valomnia, converters)
    mapped = mapper.apply(texts(no=["1", "2", "3"], name=["Anna", "bad", "Berta"]))
    assert list(mapped.findings) == failed
    assert all(found[0].description.endswith(words) for found in mapped.findings.values())
    if failed == [1]:
        assert mapped.rows["name"].iloc[[0, 2]].tolist() == ["Anna!", "Berta!"]


def test_a_converter_of_objects_gets_the_value_itself(valomnia: System) -> None:
    """Only functions that ask for text get typed values as text."""
    converters = load_converters(["tests.mappings.sample_converters"])
    mapper = Mapper(
        rules(
            reference={"const": "1"},
            name={"from": "a", "convert": "kind_of"},
            comment={"from": "a", "convert": "strip"},
        ),
        valomnia,
        converters,
    )
    mapped = mapper.apply(frame(a=[7, " x "]))
    assert mapped.rows["name"].tolist() == ["int", "str"]
    assert mapped.rows["comment"].tolist() == ["7", "x"]


def test_a_column_that_comes_back_reordered_is_put_in_order(valomnia: System) -> None:
    """A converter that sorts swaps no customers' values."""
    converters = load_converters(["tests.mappings.sample_converters"])
    fields = rules(reference="no", name={"from": "a", "convert": "reordered"})
    mapped = Mapper(fields, valomnia, converters).apply(frame(no=["1", "2", "3"], a=["Anna", "Zoe", "Bert"]))
    assert mapped.rows["name"].tolist() == ["Anna", "Zoe", "Bert"]
    assert mapped.findings == {}


def test_a_converter_that_tries_to_exit_fails_for_its_record(valomnia: System) -> None:
    """`sys.exit` in a converter is a finding, and never the run's exit code."""
    converters = load_converters(["tests.mappings.sample_converters"])
    fields = rules(reference="no", name={"from": "a", "convert": "leaving"})
    mapped = Mapper(fields, valomnia, converters).apply(frame(no=["1"], a=["0"]))
    assert [finding.code for finding in mapped.findings[0]] == ["converter_failed"]


def test_files_are_found_beneath_the_jobs_folder(map_records: MapRecords, tmp_path: Path) -> None:
    """A relative name is read from the job's folder; one that leads outside is a finding and is not read."""
    records = texts(image=["logos/a.png", "../secret", "/etc/passwd", None, "a\x00b"])
    mapped = map_records({"imageFile": "image"}, records)
    assert mapped.rows["imageFile"].iloc[0] == (tmp_path / "logos/a.png").resolve()
    assert {at: found[0].code for at, found in mapped.findings.items()} == dict.fromkeys((1, 2, 4), "unsafe_path")
    assert mapped.rows["imageFile"].isna().tolist() == [False, True, True, True, True]


@pytest.mark.parametrize(
    "address",
    ["https://images.example.com/a/b.png?size=1", "HTTPS://Images.Example.com:443/a", "http://127.0.0.1:8080/a.png"],
)
def test_an_image_may_come_from_a_named_host(map_records: MapRecords, address: str) -> None:
    """The host counts without regard to case, its port where it is not the usual one."""
    mapped = map_records({"imageFile": "image"}, texts(image=[address]))
    assert not mapped.findings
    assert mapped.rows["imageFile"].iloc[0] == URL(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example.com/a.png",
        "https://images.example.com:8443/a.png",
        "https://images.example.com.evil.example/a.png",
        "https://images.example.com@evil.example/a.png",
        "https://user:secret@images.example.com/a.png",
        "http://images.example.com/a.png",
        "http://127.0.0.1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://images.example.com/a.png",
        "https://[::1/a.png",
        "https://",
    ],
)
def test_an_image_comes_from_nowhere_else(map_records: MapRecords, address: str) -> None:
    """No record can have anything else asked, and the finding does not show the address."""
    mapped = map_records({"imageFile": "image"}, texts(image=[address]))
    (finding,) = mapped.findings[0]
    assert (finding.code, finding.field) == ("unsafe_address", "imageFile")
    assert "example" not in finding.description
    assert mapped.rows["imageFile"].isna().all()


def test_an_image_may_be_its_bytes(map_records: MapRecords) -> None:
    """As drivers give what stands in a column of a database."""
    records = pd.DataFrame({"image": pd.Series([b"GIF89a", memoryview(b"BM"), bytearray(b"BM"), None], dtype=object)})
    mapped = map_records({"imageFile": "image"}, records)
    assert not mapped.findings
    assert mapped.rows["imageFile"].tolist()[:3] == [b"GIF89a", b"BM", b"BM"]


def test_positions_do_not_depend_on_the_index(map_records: MapRecords) -> None:
    """A page with a repeated index is mapped by position."""
    records = texts(status=["A", "B", "A"])
    records.index = pd.Index([0, 0, 0])
    mapped = map_records({"isActive": {"from": "status", "values": {"A": True}}}, records)
    assert list(mapped.findings) == [1]
    assert mapped.rows.index.tolist() == [0, 1, 2]


def test_a_broken_character_costs_only_its_record(map_records: MapRecords) -> None:
    """A lone surrogate, which no target can store, does not stop the records beside it."""
    fields = {"reference": "no", "comment": {"from": ["a", "no"], "convert": ["join_words", "strip", "upper"]}}
    mapped = map_records(fields, frame(no=["x\ud800 ", "2 "], a=["b", "b"]))
    assert payloads(mapped.rows, [1]) == [{"reference": "2", "name": "Anna", "comment": "B 2"}]


def test_an_empty_page_is_mapped(map_records: MapRecords) -> None:
    """No records give no rows, in all columns."""
    fields = {"country": {"from": "c", "convert": ["strip", "country_code"], "on_null": "FR"}}
    mapped = map_records(fields, texts(c=[]))
    assert mapped.rows.shape == (0, 3)
    assert mapped.findings == {}


def test_a_page_of_nulls_is_mapped(map_records: MapRecords) -> None:
    """A column without any value passes through converters of every kind."""
    fields = {
        "comment": {"from": ["a", "b"], "convert": ["join_words", "strip", "squeeze", "upper"]},
        "creditLimit": {"from": "a", "convert": "decimal", "on_null": 5},
    }
    mapped = map_records(fields, frame(a=[None, None], b=[None, float("nan")]))
    assert payloads(mapped.rows, [1]) == [{"reference": "R1", "name": "Anna", "creditLimit": Decimal(5)}]


def test_the_job_is_told_everything_at_once(valomnia: System, converters: dict[str, Converter]) -> None:
    """All mistakes of a mapping are listed, each with the nearest known name."""
    fields = rules(
        nam="a",
        phone={"from": ["a", "b"]},
        email={"from": "a", "convert": "emial"},
        fax={"from": "a", "convert": ["strip", "join_words"]},
        isActive={"const": "perhaps"},
        creditLimit={"from": "a", "on_null": "much"},
        onHold={"from": "a", "values": {"x": 7}},
        comment={"from": "a", "convert": {"strip": 1}},
    )
    with pytest.raises(MappingError) as caught:
        Mapper(fields, valomnia, converters)
    assert caught.value.problems == (
        "Valomnia requires the field reference, and the job does not map it",
        "Valomnia requires the field name, and the job does not map it",
        "nam: Valomnia has no such field; did you mean name?",
        "phone: takes several columns, and its first converter is none that joins them (join_words)",
        "email: unknown converter emial; did you mean email?",
        "fax: a converter that joins columns comes first",
        "isActive: 'perhaps' is no boolean",
        "creditLimit: 'much' is no decimal",
        "onHold: 7 is no boolean",
        "comment: strip takes no argument",
    )


def test_a_field_that_is_only_shown_cannot_be_mapped(valomnia: System, converters: dict[str, Converter]) -> None:
    """What the target does not take is refused in clear words, and never suggested."""
    fields = rules(reference="no", name="name", lastUpdated="changed", balanc="open")
    with pytest.raises(MappingError) as caught:
        Mapper(fields, valomnia, converters)
    assert caught.value.problems == (
        "lastUpdated: Valomnia shows this field and does not take it, so it cannot be mapped",
        "balanc: Valomnia has no such field",
    )


def test_a_mapper_tells_which_columns_it_needs(valomnia: System, converters: dict[str, Converter]) -> None:
    """The columns of all rules are known before any record is read."""
    mapper = Mapper(rules(reference="customer_no", name="name"), valomnia, converters)
    assert mapper.source_columns == {"customer_no", "name"}
