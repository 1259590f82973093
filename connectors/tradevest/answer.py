"""Reads tradevest's answers: what each status means for us, whose fault it is, and what is held against a customer."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from http import HTTPStatus
from typing import Literal

from connectors.api.action import Action, failure_of
from connectors.api.body import parse_exactly
from connectors.api.transport import Reply
from connectors.protocol import (
    Answer,
    ConnectorError,
    Refusal,
    Row,
    Surprise,
    TransientError,
)
from connectors.tradevest.client import read_uuid
from connectors.tradevest.form import holds_fixed

Operation = Literal["create", "update", "look-up", "find", "show", "list"]

_WORDS_LENGTH = 200
_MOST_REFUSALS = 50  # of one customer
_PLACE = re.compile(r"\[\d*\]")  # in a list, which our names of fields do not have


_BY_ID: Container[str] = {"update", "look-up", "show"}

# The first line that fits decides; None fits every operation. What no line names stops the job. Documented are 200,
# 400, 409 and 501; PATCH has "no content", of which the siblings' status is 202. All others are inferred.
_TABLE: tuple[tuple[Container[int], Container[str] | None, Action], ...] = (
    ({200}, None, Action.ACCEPTED),
    ({201, 202}, {"create"}, Action.ACCEPTED),
    ({202, 204}, {"update"}, Action.ACCEPTED),
    (range(200, 300), None, Action.TRANSIENT),  # nothing proves that it was carried out
    (range(300, 400), None, Action.PERMANENT),  # would carry the customer, and the token, elsewhere
    ({401, 403}, None, Action.CREDENTIALS),
    ({404}, _BY_ID, Action.ABSENT),
    ({404, 410}, {"list"}, Action.REFUSAL),  # of the cursor, where there is one
    ({408}, None, Action.TRANSIENT),
    ({409}, {"create"}, Action.CONFLICT),
    ({400, 409, 413, 422}, None, Action.REFUSAL),
    ({429}, None, Action.THROTTLED),
    ({501}, None, Action.PERMANENT),
    (range(500, 600), None, Action.TRANSIENT),
)


def action_for(reply: Reply, operation: Operation) -> Action:
    """Look up what to do about an answer; a 404 in no words of this API speaks of the address, not of a customer."""
    for statuses, operations, action in _TABLE:
        if reply.status in statuses and (operations is None or operation in operations):
            foreign = action is Action.ABSENT and reply.body.strip() and parse_exactly(reply.body) is None
            return Action.PERMANENT if foreign else action
    return Action.PERMANENT


def failure(action: Action, reply: Reply, operation: Operation) -> ConnectorError:
    """Give the error for an answer that is the system's failure, not a customer's."""
    return failure_of("tradevest", operation, action, reply)


def read_created(reply: Reply, row: Row) -> Answer:
    """Turn the answer to a create into an Answer; what is accepted is only taken in, and validated later."""
    match action_for(reply, "create"):
        case Action.ACCEPTED:
            content = parse_exactly(reply.body) or {}
            target_id = read_uuid(content.get("customerId"))
            if target_id is None:
                raise TransientError("tradevest: create: the answer shows no customer")
            if "entityId" in content and read_uuid(content["entityId"]) != read_uuid(row.reference):
                raise TransientError("tradevest: create: the answer shows another customer")
            return Answer(reply.status, target_id, created=True, pending=True)
        case Action.CONFLICT:
            return Answer(reply.status, refusals=refusals(reply), surprise=Surprise.EXISTS)
        case Action.REFUSAL:
            return Answer(reply.status, refusals=refusals(reply))
        case action:
            raise failure(action, reply, "create")


def read_updated(reply: Reply, row: Row) -> Answer:
    """Turn the answer to an update into an Answer.

    204 says by itself that there is nothing to show of the labels, which are all that an update takes. Every other
    success has taken the customer in, and only a look-up proves what it did, or what else of the row is held.
    """
    match action_for(reply, "update"):
        case Action.ACCEPTED:
            if reply.body.strip():
                proven(parse_exactly(reply.body), row, "update")
            pending = reply.status != HTTPStatus.NO_CONTENT or holds_fixed(row)
            return Answer(reply.status, read_uuid(row.target_id), created=False, pending=pending)
        case Action.ABSENT:
            return Answer(reply.status, refusals=refusals(reply), surprise=Surprise.GONE)
        case Action.REFUSAL:
            return Answer(reply.status, refusals=refusals(reply))
        case action:
            raise failure(action, reply, "update")


def proven(content: Mapping[str, object] | None, row: Row, operation: Operation) -> Mapping[str, object]:
    """Give the customer that the answer shows; raises TransientError where it shows none, or another than the row's."""
    shown = read_uuid(content.get("customerId")) if content is not None else None
    if content is None or shown is None:
        raise TransientError(f"tradevest: {operation}: the answer shows no customer")
    named = read_uuid(content["entityId"]) if "entityId" in content else read_uuid(row.reference)
    if shown != read_uuid(row.target_id) or named != read_uuid(row.reference):
        raise TransientError(f"tradevest: {operation}: the answer shows another customer")
    return content


def refusals(reply: Reply) -> tuple[Refusal, ...]:
    """Read what the server has against the customer: one refusal for each error of each field, else the whole's.

    `validationString` stays out: it may repeat what was sent. A body without a code is told by its status alone.
    """
    told = f"HTTP {reply.status}"
    if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return (Refusal("too_large", "", told),)
    content = parse_exactly(reply.body) or {}
    if details := tuple(_details(content.get("errorDetails"), told))[:_MOST_REFUSALS]:
        return details
    code = _words(content.get("errorCode")) or _words(content.get("responseType"))
    return (Refusal(code or "unclassified", "", (_words(content.get("message")) if code else "") or told),)


def _details(details: object, told: str) -> Iterator[Refusal]:
    for detail in details if isinstance(details, list) else ():
        match detail:
            case {"field": str(field), "errors": list(errors)}:
                name = _PLACE.sub("", _words(field))
            case _:
                continue
        for error in errors:
            if isinstance(error, Mapping) and (code := _words(error.get("code"))):
                yield Refusal(code, name, _words(error.get("message")) or told)


def _words(value: object) -> str:
    """Give at most 200 characters of a text, as one line that anything can store."""
    text = value if isinstance(value, str) else ""
    return "".join(character if character.isprintable() else " " for character in text[:_WORDS_LENGTH]).strip()
