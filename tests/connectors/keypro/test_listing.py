"""One answer to a list request, in all the forms that it may have."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from connectors.api.inquiry import UnfitError
from connectors.api.transport import Reply
from connectors.keypro.listing import Part, Query, broken_promise, expect_properties, read_part
from connectors.keypro.property import Properties
from connectors.protocol import AnsweredError, ConnectorError, CredentialsError, PermanentError, ThrottledError

DATE = {"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = Properties({})


def read(content: object, status: int = 200) -> Part:
    """Read an answer."""
    return read_part(Reply(status, DATE, content if isinstance(content, bytes) else json.dumps(content).encode()))


@pytest.mark.parametrize(
    "content",
    [
        {"Next": None, "Prev": None, "Results": [{"id": 1}]},
        {"next": None, "previous": None, "results": [{"id": 1}], "count": 1},
        {"Next": "", "Previous": None, "Results": [{"id": 1}], "Total": 5},
        {"RESULTS": [{"id": 1}]},
        [{"id": 1}],
    ],
)
def test_every_form_is_read(content: object) -> None:
    """Keys in any case, with or without links and totals, and the bare array are the same list."""
    assert read(content) == Part(({"id": 1},), more=False, answered=NOON)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ({"Next": "https://elsewhere.example/?offset=100", "Results": []}, True),
        ({"next": "/customers/?offset=1", "results": [{"id": 1}]}, True),
        ({"Results": [], "Total": 3}, True),
        ({"results": [], "count": 3}, True),
        ({"results": [], "count": 0}, False),
        ({"Results": [], "Total": None}, False),
        ([], False),
    ],
)
def test_what_says_that_more_comes(content: object, *, more: bool) -> None:
    """A link, wherever it leads, or a count where nobody is shown."""
    assert read(content).more is more


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"null", {}, {"Results": {}}, {"Results": [1]}, {"Next": 7, "Results": []}, ["x"], b"[" * 100_000],
)
def test_what_is_no_list_is_unfit(content: object) -> None:
    """It is asked for again."""
    with pytest.raises(UnfitError, match=r"^keypro: list: the answer is no list$"):
        read(content)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentError),
        (401, CredentialsError),
        (404, PermanentError),
        (204, AnsweredError),
        (302, PermanentError),
        (429, ThrottledError),
        (500, AnsweredError),
    ],
)
def test_a_failure_is_an_error(status: int, kind: type[ConnectorError]) -> None:
    """By the one table."""
    with pytest.raises(kind, match=f"keypro: list: status {status}") as caught:
        read({"details": "canary"}, status)
    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)


def test_a_query_is_written_with_the_names_of_the_table() -> None:
    """Order, limit and filters, percent-encoded, moments in UTC and whole seconds."""
    assert Query().target("/x/", NAMES) == "/x/?orderby=id&limit=100"
    query = Query(behind="17", since=NOON, limit=5)
    named = Properties({"id": "pk", "dateModified": "muokattu_ä"})
    assert query.target("/x/", named) == (
        "/x/?orderby=pk&limit=5&pk__gt=17&muokattu_%C3%A4__gte=2026-03-01T12%3A00%3A00Z"
    )


@pytest.mark.parametrize(
    ("customers", "broken"),
    [
        ([{"id": 18}, {"id": 20}], None),
        ([{"id": 17}, {"id": 20}], "id__gt"),
        ([{"id": 20}, {"id": 19}], "orderby"),
        ([{"id": 20}, {"id": 20}], "orderby"),
        ([{"id": 100}, {"id": 99}], "orderby"),
        ([{"id": 18, "dateModified": "2026-03-01T11:59:59.999Z"}], "dateModified__gte"),
        ([{"id": 18, "dateModified": "2026-03-01T14:00:00+02:00"}], None),
        ([{"id": 18, "dateModified": None}, {"id": None}, {"id": 19, "dateModified": "soon"}], None),
        ([], None),
    ],
)
def test_what_a_server_did_not_keep_to_is_named(customers: list[dict[str, object]], broken: str | None) -> None:
    """Numbers are compared as numbers, moments as moments; what has neither proves nothing."""
    part = Part(tuple(customers), more=False, answered=NOON)
    assert broken_promise(part, Query(behind="17", since=NOON), NAMES) == broken


def test_properties_that_nobody_has_are_named() -> None:
    """Where somebody is shown, and not one has it."""
    expect_properties([], NAMES, "id")
    expect_properties([{"x": 1}, {"id": None}], NAMES, "id")
    with pytest.raises(PermanentError, match=r"no property pk \(id\)"):
        expect_properties([{"id": 1}], Properties({"id": "pk"}), "id")
