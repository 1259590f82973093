"""Checks of records and of rows: which position, which code, whose words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from pandera.config import ValidationDepth, config_context
from yarl import URL

from mappings.finding import Finding
from mappings.schema import (
    LONGEST_TEXT,
    MissingColumnError,
    Part,
    Requirement,
    check,
    schema_of,
    source_schema,
    target_schema,
)
from mappings.system import System
from mappings.value import CLEAR

MISSING_NAME = Finding("missing_param", "name", "name parameter is missing")
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


def wrong_type(field: str, spoken: str | None = None) -> Finding:
    """Word the target's answer to a value of the wrong type."""
    words = f"The type of parameter {spoken or field} you provided is not valid for this request."
    return Finding("invalid_param_type", field, words)


def rows(count: int = 1, **cells: list[object]) -> pd.DataFrame:
    """Make sound rows, with some columns as given."""
    columns: dict[str, list[object]] = {
        "reference": [f"R{at}" for at in range(count)],
        "name": ["Anna"] * count,
        **cells,
    }
    return pd.DataFrame(
        {name: pd.Series(values, dtype="str" if _texts(values) else object) for name, values in columns.items()}
    )


def _texts(values: list[object]) -> bool:
    return all(value is None or isinstance(value, str) for value in values)


def findings(system: System, frame: pd.DataFrame) -> dict[int, list[Finding]]:
    """Check rows against the schema of just their fields."""
    return check(target_schema(system, frame.columns), frame)


def test_sound_rows_have_no_findings(valomnia: System) -> None:
    """A page on which nothing is wrong says nothing."""
    assert findings(valomnia, rows(3)) == {}


def test_a_finding_names_its_position_in_the_targets_words(valomnia: System) -> None:
    """Null, empty, blank and cleared required fields are missing, each at its own position."""
    frame = rows(6, name=["Anna", None, "", "  ", CLEAR, "Berta"])
    assert findings(valomnia, frame) == {at: [MISSING_NAME] for at in (1, 2, 3, 4)}


def test_a_missing_reference_has_the_targets_words(valomnia: System) -> None:
    """A customer without a reference is stopped as the target would."""
    found = findings(valomnia, rows(2, reference=[None, "R1"]))
    assert found == {0: [Finding("missing_param", "reference", "reference parameter is missing")]}


@pytest.mark.parametrize("reference", [".", "..", "a\x07b"])
def test_an_unsafe_reference_is_stopped(valomnia: System, reference: str) -> None:
    """A reference that would not survive in an address is our own code."""
    found = findings(valomnia, rows(1, reference=[reference]))
    assert [(each.code, each.field) for each in found[0]] == [("unsafe_reference", "reference")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isActive", "Yes"),
        ("isActive", 1),
        ("dueDateConfigNumber", "007"),
        ("dueDateConfigNumber", True),
        ("dueDateConfigNumber", Decimal("1.5")),
        ("creditLimit", "1e5"),
        ("creditLimit", 1.5),
        ("creditLimit", Decimal("Infinity")),
        ("comment", b"bytes"),
        ("comment", ["a"]),
        ("imageFile", "a.png"),
        ("paymentTypes", "7"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(valomnia: System, field: str, value: object) -> None:
    """What is not of the field's type gets the target's code, and the rows beside it get none."""
    frame = rows(2)
    frame[field] = pd.Series([None, value], dtype=object)
    spoken = "payment type id" if field == "paymentTypes" else None
    assert findings(valomnia, frame) == {1: [wrong_type(field, spoken)]}


def test_entries_of_a_list_have_a_type_too(valomnia: System) -> None:
    """A payment type that is no id is named as the target does."""
    frame = rows(4, paymentTypes=[["7", "8"], ["7", "x"], [True], ["07"]])
    assert findings(valomnia, frame) == {at: [wrong_type("paymentTypes", "payment type id")] for at in (1, 2, 3)}


def test_what_is_looked_up_may_go_by_its_name(valomnia: System) -> None:
    """Where ids are looked up a name or reference passes; what is sent by reference passes in any case."""
    frame = rows(2, paymentTypes=[["7", "cash"], None], regionId=["7", "North"], categoryId=["jewelry", "7"])
    assert findings(valomnia, frame) == {
        0: [wrong_type("paymentTypes", "payment type id")],
        1: [wrong_type("regionId")],
    }
    assert check(target_schema(valomnia, frame.columns, {"payment_type"}), frame) == {1: [wrong_type("regionId")]}
    assert check(target_schema(valomnia, frame.columns, {"payment_type", "region"}), frame) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isActive", False),
        ("creditLimit", Decimal("-0.50")),
        ("comment", ""),
        ("paymentTypes", []),
        ("isActive", CLEAR),
    ],
)
def test_a_value_of_the_right_type_passes(valomnia: System, field: str, value: object) -> None:
    """Values of the field's type pass, and so do cleared ones of fields that are not required."""
    assert findings(valomnia, rows(2, **{field: [value, None]})) == {}


def test_a_sub_customer_needs_its_parent(valomnia: System) -> None:
    """`parentCustomer` is missing exactly where `isSubCustomer` is true and it has no value."""
    missing = Finding("missing_param", "parentCustomer", "parentCustomer parameter is missing")
    frame = rows(5, isSubCustomer=[True, True, True, False, None], parentCustomer=["P", None, CLEAR, None, None])
    assert findings(valomnia, frame) == {1: [missing], 2: [missing]}
    assert findings(valomnia, rows(2, isSubCustomer=[True, False])) == {0: [missing]}


def test_a_customer_is_not_its_own_parent(valomnia: System) -> None:
    """A parent that is the customer itself gets the target's words."""
    found = findings(valomnia, rows(2, parentCustomer=["R0", "R0"]))
    assert found == {0: [Finding("not_found", "parentCustomer", "The customer cannot be a subcustomer of itself.")]}


def test_days_are_needed_with_their_terms(valomnia: System) -> None:
    """`dueDateConfigNumber` is missing where `dueDateConfigType` is given, which is 1 or 2."""
    frame = rows(4, dueDateConfigType=["1", "2", None, "3"], dueDateConfigNumber=[7, None, None, 7])
    assert findings(valomnia, frame) == {
        1: [Finding("missing_param", "dueDateConfigNumber", "dueDateConfigNumber parameter is missing")],
        3: [wrong_type("dueDateConfigType")],
    }


def test_what_is_no_currency_code_is_named(valomnia: System) -> None:
    """A currency that cannot be an ISO code is answered as by the target, value included."""
    found = findings(valomnia, rows(3, currency=["EUR", "GmBP", None]))
    assert found == {1: [Finding("not_found", "currency", "The currency with name GmBP doesn't exist.")]}


def test_images_are_judged_by_size_and_content(valomnia: System, tmp_path: Path) -> None:
    """Size, true format and existence of a named file are checked before it is sent."""
    contents = {"ok.png": PNG, "big.jpg": b"\xff\xd8\xff" + b"\0" * 2_097_150, "lie.png": b"%PDF-1.7", "empty.bmp": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    edge = tmp_path / "edge.gif"
    edge.write_bytes(b"GIF89a" + b"\0" * (2_097_152 - 6))
    paths: list[object] = [*(tmp_path / name for name in contents), edge, tmp_path / "none.png", tmp_path, None]
    found = findings(valomnia, rows(8, imageFile=paths))
    unsupported = Finding("unsupported_file_type", "imageFile", "image format not supported.")
    assert found == {
        1: [Finding("exceeded_file_size", "imageFile", "image size should not exceed 2Mo")],
        2: [unsupported],
        3: [unsupported],
        5: [Finding("missing_file", "imageFile", "the file of imageFile is not there")],
        6: [Finding("missing_file", "imageFile", "the file of imageFile is not there")],
    }


def test_images_as_bytes_are_judged_alike(valomnia: System) -> None:
    """What stands in a column of a database; of an address nothing is known before it is fetched."""
    images = [PNG, b"\xff\xd8\xff" + b"\0" * 2_097_150, b"%PDF-1.7", b"", URL("https://images.example.com/a")]
    unsupported = Finding("unsupported_file_type", "imageFile", "image format not supported.")
    assert findings(valomnia, rows(5, imageFile=images)) == {
        1: [Finding("exceeded_file_size", "imageFile", "image size should not exceed 2Mo")],
        2: [unsupported],
        3: [unsupported],
    }


def test_one_row_may_break_several_rules(valomnia: System) -> None:
    """All that is wrong with a row is said at once, each code once per field."""
    frame = rows(1, reference=[""], name=[None], isActive=["x"], dueDateConfigType=["1"])
    codes = [(each.code, each.field) for each in findings(valomnia, frame)[0]]
    assert codes == [
        ("missing_param", "reference"),
        ("missing_param", "name"),
        ("invalid_param_type", "isActive"),
        ("missing_param", "dueDateConfigNumber"),
    ]


def test_what_passed_passes_again(valomnia: System) -> None:
    """Rules do not mask each other: the rows without findings have none when checked on their own."""
    frame = rows(4, name=["A", None, "B", "C"], isActive=["x", None, True, "y"])
    passed = frame.drop(index=list(findings(valomnia, frame))).reset_index(drop=True)
    assert len(passed) == 1
    assert findings(valomnia, passed) == {}


def test_a_repeated_index_blames_only_the_bad_row(valomnia: System) -> None:
    """Positions count, not labels: chunks put together with equal labels lose no good row."""
    frame = rows(3, name=["A", None, "C"])
    frame.index = pd.Index([0, 0, 0])
    assert list(findings(valomnia, frame)) == [1]


def test_a_check_that_raises_costs_only_its_rows() -> None:
    """Where a check itself breaks, the rows on which it does get `rule_error`, the others their verdict."""

    def fails_on_seven(frame: pd.DataFrame) -> np.ndarray:
        if (frame["a"] == 7).any():
            raise ZeroDivisionError("canary")
        return (frame["a"] == 8).to_numpy()

    schema = schema_of("test", ["a"], [Requirement("odd", [Part(Finding("bad", "a", "is bad"), fails_on_seven)])])
    assert check(schema, pd.DataFrame({"a": [6, 7, 8]})) == {
        1: [Finding("rule_error", "a", "the check odd raised ZeroDivisionError")],
        2: [Finding("bad", "a", "is bad")],
    }


def test_the_schema_is_a_pandera_schema(valomnia: System) -> None:
    """Anyone may use the schemas with pandera's own means, and they carry no values into its errors."""
    schema = target_schema(valomnia, ["reference", "name"])
    assert isinstance(schema, pa.DataFrameSchema)
    with pytest.raises(pa.errors.SchemaErrors) as caught:
        schema.validate(rows(1, name=[None], reference=["canary\x07"]), lazy=True)
    assert "canary" not in str(caught.value)


def test_pandera_cannot_be_switched_off_from_outside(valomnia: System) -> None:
    """Rows are checked even where pandera is configured to check nothing."""
    with config_context(validation_enabled=False, validation_depth=ValidationDepth.SCHEMA_ONLY):
        assert findings(valomnia, rows(1, name=[None])) == {0: [MISSING_NAME]}


def test_records_need_their_columns() -> None:
    """A column that disappeared is the source's fault and no record's."""
    schema = source_schema(["a", "b"])
    with pytest.raises(MissingColumnError, match="b"):
        check(schema, pd.DataFrame({"a": ["x"]}))


def test_records_need_a_key_and_readable_text() -> None:
    """Null keys, NULs, lone surrogates and endless texts stop a record; other columns are not looked at."""
    records = pd.DataFrame(
        {
            "id": pd.Series(["1", None, "3", "4", "5"], dtype="str"),
            "a": pd.Series(["x", "x", "nul\x00", "x", "x" * (LONGEST_TEXT + 1)], dtype="str"),
            "b": pd.Series(["x", 7, "x", "lone\ud800", "x"], dtype=object),
            "unused": ["\x00"] * 5,
        }
    )
    assert check(source_schema(["a", "b"], key=["id"]), records) == {
        1: [Finding("missing_key", "id", "the key is missing")],
        2: [Finding("undecodable", "a", "holds unreadable characters")],
        3: [Finding("undecodable", "b", "holds unreadable characters")],
        4: [Finding("too_long", "a", f"has more than {LONGEST_TEXT} characters")],
    }


def test_an_empty_page_is_sound(valomnia: System) -> None:
    """A page without records has no findings."""
    assert findings(valomnia, rows(0)) == {}
    assert check(source_schema(["a"]), pd.DataFrame({"a": pd.Series([], dtype="str")})) == {}


def test_v08_pandera_drops_no_rows() -> None:
    """Pandera's own dropping of rows, which loses good ones, is named nowhere in the code."""
    root = Path(__file__).parents[2]
    modules = [path for folder in ("connectors", "mappings", "flows") for path in (root / folder).rglob("*.py")]
    assert any("pandera" in path.read_text(encoding="utf-8") for path in modules), "the search must find what is there"
    assert [path for path in modules if "drop_invalid_rows" in path.read_text(encoding="utf-8")] == []
