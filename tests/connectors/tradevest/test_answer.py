"""What tradevest's statuses and error bodies mean."""

from __future__ import annotations

import httpx
import pytest

from connectors.api.action import Action
from connectors.api.transport import Reply
from connectors.protocol import (
    AnsweredError,
    ConnectorError,
    CredentialsError,
    PermanentError,
    Refusal,
    ThrottledError,
)
from connectors.tradevest.answer import Operation, action_for, failure, refusals
from tests.connectors.tradevest.app import problem


def reply(status: int, content: object = None, **headers: str) -> Reply:
    """Make a reply of JSON, of bytes, or of nothing."""
    if content is None or isinstance(content, bytes):
        response = httpx.Response(status, content=content or b"", headers=headers)
    else:
        response = httpx.Response(status, json=content, headers=headers)
    return Reply(response.status_code, response.headers, response.content)


@pytest.mark.parametrize(
    ("status", "operation", "action"),
    [
        (200, "create", Action.ACCEPTED),
        (202, "create", Action.ACCEPTED),
        (204, "create", Action.TRANSIENT),
        (202, "update", Action.ACCEPTED),
        (204, "update", Action.ACCEPTED),
        (201, "update", Action.TRANSIENT),
        (202, "list", Action.TRANSIENT),
        (302, "update", Action.PERMANENT),
        (400, "create", Action.REFUSAL),
        (401, "create", Action.CREDENTIALS),
        (403, "list", Action.CREDENTIALS),
        (404, "create", Action.PERMANENT),
        (404, "update", Action.ABSENT),
        (404, "look-up", Action.ABSENT),
        (404, "find", Action.PERMANENT),
        (404, "list", Action.REFUSAL),
        (405, "create", Action.PERMANENT),
        (408, "create", Action.TRANSIENT),
        (409, "create", Action.CONFLICT),
        (409, "update", Action.REFUSAL),
        (413, "create", Action.REFUSAL),
        (418, "create", Action.PERMANENT),
        (429, "list", Action.THROTTLED),
        (500, "create", Action.TRANSIENT),
        (501, "create", Action.PERMANENT),
        (503, "list", Action.TRANSIENT),
        (700, "list", Action.PERMANENT),
    ],
)
def test_each_status_has_its_action(status: int, operation: Operation, action: Action) -> None:
    """The table decides by status and operation; what it does not name stops the job."""
    assert action_for(reply(status), operation) is action


@pytest.mark.parametrize(
    ("body", "action"),
    [
        (b"", Action.ABSENT),
        (b'{"message": "Customer not found"}', Action.ABSENT),
        (b"<html>no such page</html>", Action.PERMANENT),
        (b"[]", Action.PERMANENT),
    ],
)
def test_a_page_that_is_missing_is_no_customer_that_is(body: bytes, action: Action) -> None:
    """A 404 counts for a customer only where nothing else seems to have answered."""
    assert action_for(reply(404, body), "update") is action


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Action.THROTTLED, ThrottledError),
        (Action.TRANSIENT, AnsweredError),
        (Action.CREDENTIALS, CredentialsError),
        (Action.REFUSAL, PermanentError),
        (Action.PERMANENT, PermanentError),
    ],
)
def test_failures_name_connector_operation_and_status(action: Action, kind: type[ConnectorError]) -> None:
    """And nothing of the body; a delay that the server names goes along."""
    error = failure(action, reply(503, {"message": "canary"}, **{"Retry-After": "7"}), "create")
    assert isinstance(error, kind)
    assert str(error).startswith("tradevest: create: status 503")
    assert "canary" not in repr(error)
    if isinstance(error, ThrottledError | AnsweredError):
        assert error.delay_seconds == 7


def test_every_error_of_every_field_is_told() -> None:
    """With the vendor's code, its words, and the field as ours are called; `validationString` is not shown."""
    body = problem(("refAccounts[0].iban", "PATTERN", "must match"), ("labels[3]", "SIZE", "must not be empty"))
    body["validationString"] = "canary"
    assert refusals(reply(400, body)) == (
        Refusal("PATTERN", "refAccounts.iban", "must match"),
        Refusal("SIZE", "labels", "must not be empty"),
    )


def test_without_details_the_whole_is_told() -> None:
    """The error's code, else the response's type; without either, the status."""
    whole = problem(message="Taken", errorCode="ALREADY_EXISTS_ERROR")
    assert refusals(reply(409, whole)) == (Refusal("ALREADY_EXISTS_ERROR", "", "Taken"),)
    assert refusals(reply(409, problem())) == (Refusal("VALIDATION_ERROR", "", "Validation failed"),)
    assert refusals(reply(400, {"message": "canary"})) == (Refusal("unclassified", "", "HTTP 400"),)
    assert refusals(reply(400, b"<html>canary")) == (Refusal("unclassified", "", "HTTP 400"),)


@pytest.mark.parametrize(
    "details",
    ["text", [], ["text"], [{"field": 1, "errors": []}], [{"field": "a", "errors": ["x", {"code": None}]}], [{}]],
)
def test_details_that_are_none_are_passed_over(details: object) -> None:
    """Whatever stands in their place, the whole is told."""
    body = {**problem(errorCode="C"), "errorDetails": details}
    assert refusals(reply(400, body)) == (Refusal("C", "", "Validation failed"),)


def test_words_are_bounded_and_on_one_line() -> None:
    """At most 200 characters, without what a database or a terminal would stumble over."""
    (refusal,) = refusals(reply(400, problem(("name", "C", "a\nb\x00" + "x" * 300))))
    assert refusal.description == "a b " + "x" * 196
    many = problem(*[("name", "C", str(number)) for number in range(1000)])
    assert len(refusals(reply(400, many))) == 50


def test_an_oversize_request_is_told_as_such() -> None:
    """413 has a code of its own, whatever its body is."""
    assert refusals(reply(413, problem())) == (Refusal("too_large", "", "HTTP 413"),)
