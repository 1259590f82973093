"""What Keypro's answers to creates and updates mean, as its pages say and as they do not."""

from __future__ import annotations

import pytest

from connectors.api.action import Action
from connectors.keypro.answer import action_for
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConnectorError,
    CredentialsError,
    PermanentError,
    Refusal,
    Row,
    Surprise,
    ThrottledError,
    TransientError,
)
from tests.connectors.keypro.wire import MISSING, always, customer, send

NEW = Row("C-1", {"customerName": "Ada"})
KNOWN = Row("C-1", {"customerName": "Ada"}, target_id="7")


@pytest.mark.parametrize(
    ("status", "content", "action"),
    [
        (200, None, Action.ACCEPTED),
        (201, None, Action.ACCEPTED),
        (202, None, Action.TRANSIENT),
        (204, None, Action.TRANSIENT),
        (301, None, Action.PERMANENT),
        (304, None, Action.PERMANENT),
        (400, None, Action.REFUSAL),
        (401, {"details": "Authentication credentials were not provided"}, Action.CREDENTIALS),
        (403, {"detail": "No."}, Action.CREDENTIALS),
        (404, {"details": "Not found."}, Action.ABSENT),
        (404, {"detail": "Not found."}, Action.ABSENT),
        (404, None, Action.PERMANENT),
        (404, {"error": "no such host"}, Action.PERMANENT),
        (405, {"detail": "Method not allowed"}, Action.PERMANENT),
        (408, None, Action.TRANSIENT),
        (409, None, Action.CONFLICT),
        (413, None, Action.REFUSAL),
        (415, None, Action.PERMANENT),
        (422, None, Action.PERMANENT),
        (429, None, Action.THROTTLED),
        (500, None, Action.TRANSIENT),
        (503, None, Action.TRANSIENT),
        (101, None, Action.PERMANENT),
        (600, None, Action.PERMANENT),
    ],
)
def test_each_status_has_one_action(status: int, content: dict[str, object] | None, action: Action) -> None:
    """The table says what to do, and what it does not name stops the job."""
    assert action_for(status, content) is action


@pytest.mark.parametrize("status", [200, 201])
def test_the_request_says_whether_the_customer_is_new(status: int) -> None:
    """Both statuses are accepted for both: which one comes is not documented."""
    assert send(always(status, customer(7)), NEW) == Answer(status, "7", created=True)
    assert send(always(status, customer(7)), KNOWN) == Answer(status, "7", created=False)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[" * 100_000, [customer(7)], {}, {"id": None}, {"id": True}, {"id": "x"}, customer(7, "C-2")],
)
@pytest.mark.parametrize("row", [NEW, KNOWN])
def test_a_success_without_proof_is_no_success(content: object, row: Row) -> None:
    """Without an object that shows an id, and the same reference, the customer is unconfirmed."""
    with pytest.raises(
        TransientError, match=r"keypro: (create|update): the answer shows (no|another) customer"
    ) as told:
        send(always(200, content), row)
    assert not isinstance(told.value, AnsweredError)


def test_an_update_of_somebody_else_is_no_success() -> None:
    """An answer with another id than the one that was asked for is about somebody else."""
    with pytest.raises(TransientError, match="another customer"):
        send(always(200, customer(8)), KNOWN)


def test_a_reference_counts_where_it_is_shown() -> None:
    """An id alone is proof; a number is the reference too; another case or none at all is not."""
    assert send(always(201, {"id": 9}), NEW).target_id == "9"
    assert send(always(201, customer(9, 17)), Row("17")).target_id == "9"
    for other in ("c-1", None, 1):
        with pytest.raises(TransientError, match="another customer"):
            send(always(201, customer(9, other)), NEW)


def test_a_customer_without_the_reference_stops_the_job() -> None:
    """A whole customer that has no such property would never be found again: the table of names is wrong."""
    with pytest.raises(PermanentError, match=r"no property no \(reference_field, properties\)"):
        send(always(201, customer(9)), NEW, {"customerNumber": "no"})
    assert send(always(200, {"id": 7, "customerName": "Ada"}), KNOWN).target_id == "7"  # what was changed, in short


def test_each_text_of_each_field_is_a_refusal() -> None:
    """Fields are called by our names, texts about none have none, nested ones belong to the field they are in."""
    content = {
        "title": ["Too long.", "Not blank."],
        "Type": "Not valid.",
        "non_field_errors": ["Together they do not go."],
        "Address": {"city": ["Required."]},
        "note": [{"a": "Deep."}, 7, None],
        "shoeSize": ["Unknown."],
        "someone@example.com": ["Odd."],
    }
    answer = send(always(400, content), NEW, {"customerName": "title"})
    assert answer == Answer(
        400,
        refusals=tuple(
            Refusal("validation_failed", field, text)
            for field, text in [
                ("customerName", "Too long."),
                ("customerName", "Not blank."),
                ("Type", "Not valid."),
                ("", "Together they do not go."),
                ("Address", "Required."),
                ("note", "Deep."),
                ("shoeSize", "Unknown."),
                ("", "Odd."),
            ]
        ),
    )


@pytest.mark.parametrize("key", ["details", "detail"])
def test_words_without_a_field_are_a_refusal(key: str) -> None:
    """The documented key and that of the framework are read alike."""
    assert send(always(400, {key: "No."}), NEW).refusals == (Refusal("validation_failed", "", "No."),)


@pytest.mark.parametrize("content", [b"", b"<html>canary", ["canary"], {}, {"a": 7}])
def test_a_refusal_without_words_is_told_by_its_status(content: object) -> None:
    """Nothing of such a body is kept."""
    assert send(always(400, content), NEW).refusals == (Refusal("unclassified", "", "HTTP 400"),)


def test_a_request_that_is_too_large_is_a_refusal() -> None:
    """It is no other the next time."""
    assert send(always(413, b"<html>"), NEW).refusals == (Refusal("too_large", "", "HTTP 413"),)


def test_long_words_are_cut_and_many_are_not_all_kept() -> None:
    """A text is kept up to 200 characters, and fifty texts."""
    answer = send(always(400, {"note": ["x" * 1000] * 99}), NEW)
    assert answer.refusals == (Refusal("validation_failed", "note", "x" * 200),) * 50


@pytest.mark.parametrize(
    ("status", "content", "row", "surprise"),
    [
        (409, b"", NEW, Surprise.EXISTS),
        (409, {"customerNumber": ["Exists."]}, NEW, Surprise.EXISTS),
        (400, {"customerNumber": ["Exists.", "Twice."]}, NEW, Surprise.EXISTS),
        (400, {"customerNumber": ["Exists."], "note": ["No."]}, NEW, None),
        (400, {"note": ["No."]}, NEW, None),
        (400, b"", NEW, None),
        (413, {"customerNumber": ["Exists."]}, NEW, None),
        (409, b"", KNOWN, None),
        (400, {"customerNumber": ["Exists."]}, KNOWN, None),
        (404, MISSING, KNOWN, Surprise.GONE),
    ],
)
def test_what_an_answer_shows_to_be_otherwise(
    status: int, content: object, row: Row, surprise: Surprise | None
) -> None:
    """A create may find somebody, an update nobody; the reasons are told in any case."""
    answer = send(always(status, content), row)
    assert (answer.status, answer.surprise, answer.target_id) == (status, surprise, None)
    assert answer.refusals


@pytest.mark.parametrize(
    ("row", "status", "content", "kind"),
    [
        (NEW, 404, MISSING, PermanentError),
        (KNOWN, 404, b"<html>", PermanentError),
        (KNOWN, 404, b"", PermanentError),
        (NEW, 302, b"", PermanentError),
        (NEW, 422, {"note": ["No."]}, PermanentError),
        (NEW, 401, {"details": "canary"}, CredentialsError),
        (NEW, 403, {"details": "canary"}, CredentialsError),
        (NEW, 503, b"canary", AnsweredError),
        (NEW, 202, customer(7), AnsweredError),
        (NEW, 429, b"", ThrottledError),
    ],
)
def test_a_failure_of_the_system_is_an_error(
    row: Row, status: int, content: object, kind: type[ConnectorError]
) -> None:
    """Operation and status are told, nothing of the body, and the delay that the system named."""
    with pytest.raises(kind, match=rf"^keypro: (create|update): status {status}") as caught:
        send(always(status, content, **{"Retry-After": "4"}), row)
    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)
    if isinstance(caught.value, TransientError):
        assert caught.value.delay_seconds == 4.0
