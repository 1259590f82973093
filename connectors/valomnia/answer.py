"""Reads Valomnia's answers: what each status and error code means for us, and whose fault it is."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from http import HTTPStatus

from connectors.api.action import Action, failure_of
from connectors.api.body import parse_object
from connectors.api.transport import Reply
from connectors.protocol import (
    Answer,
    ConnectorError,
    Refusal,
    Row,
    TransientError,
)

_DESCRIPTION_LENGTH = 200


SESSION_ENDED = "no_credentials"  # seen in a public client, its status is unknown: the code decides, not the status
NOT_FOUND = "not_found"
NO_CODE = ""  # an answer without an error code

# The first line that fits decides; None fits every error code. What no line names stops the job.
_TABLE: tuple[tuple[Container[int], str | None, Action], ...] = (
    (range(100, 600), SESSION_ENDED, Action.CREDENTIALS),
    (range(200, 202), None, Action.ACCEPTED),
    (range(202, 300), None, Action.TRANSIENT),  # not documented: nothing proves that it was written
    (range(300, 400), None, Action.PERMANENT),  # would carry the customer, and the session, elsewhere
    ({401, 403}, None, Action.CREDENTIALS),
    ({408}, None, Action.TRANSIENT),
    ({429}, None, Action.THROTTLED),
    ({404, 405}, NO_CODE, Action.PERMANENT),  # nobody there speaks this API: the address is wrong, not the customer
    (range(400, 500), None, Action.REFUSAL),
    (range(500, 600), None, Action.TRANSIENT),  # server_error; a gateway's 502, 503, 504 have no code
)

# What the server calls a thing in its words, and the field that names it. The last four are inferred.
_SPOKEN = {
    "payment type": "paymentTypes",
    "currency": "currency",
    "parent customer": "parentCustomer",
    "customer category": "categoryId",
    "customer segmentation": "customerSegmentationId",
    "user": "userId",
    "region": "regionId",
}
_NAMED = re.compile(
    r"(?:The type of parameter )?(\w+)(?: parameter is missing| already used| you provided is not valid)"
)
_ENTITY = re.compile(r"The (?:type of parameter )?(.+?) (?:id you provided|with (?:the id|name) )")
_PHRASES = {"subcustomer of itself": "parentCustomer", "image ": "imageFile"}


def action_for(status: int, error: str | None) -> Action:
    """Look up what to do about a status and the error code beside it."""
    for statuses, code, action in _TABLE:
        if status in statuses and code in {None, error or NO_CODE}:
            return action
    return Action.PERMANENT


def error_code(content: Mapping[str, object] | None) -> str | None:
    """Take the error code out of an answer's object."""
    code = content.get("error") if content is not None else None
    return code if isinstance(code, str) else None


def session_ended(status: int, body: bytes) -> bool:
    """Say whether the server wants us to sign in (again)."""
    return status == HTTPStatus.UNAUTHORIZED or (
        SESSION_ENDED.encode() in body and error_code(parse_object(body)) == SESSION_ENDED
    )


def read_upsert(reply: Reply, row: Row) -> Answer:
    """Turn the answer to an upsert into an Answer; raises the connector's errors where the system failed."""
    content = parse_object(reply.body)
    match action_for(reply.status, error_code(content)):
        case Action.ACCEPTED:
            target_id = proven_id(content, row.reference, "upsert")
            return Answer(reply.status, target_id, _created(reply.status, content or {}, row))
        case Action.REFUSAL:
            return Answer(reply.status, refusals=(refusal(reply.status, content),))
        case action:
            raise failure(action, reply, "upsert")


def proven_id(content: Mapping[str, object] | None, reference: str, operation: str) -> str:
    """Give the id of the customer that the answer shows; raises TransientError where it shows none, or another."""
    identity = content.get("id") if content is not None else None
    if content is None or isinstance(identity, bool) or not isinstance(identity, int | str) or identity == "":
        raise TransientError(f"valomnia: {operation}: the answer shows no customer")
    if not str(identity).isprintable():  # half a character, or a NUL, that no ledger could keep
        raise TransientError(f"valomnia: {operation}: the answer shows no customer")
    if "reference" in content and str(content["reference"]) != reference:
        raise TransientError(f"valomnia: {operation}: the answer shows another customer")
    return str(identity)


def _created(status: int, content: Mapping[str, object], row: Row) -> bool | None:
    """Read whether the customer is new: 201 is documented for every upsert, so the dates have a say as well."""
    if status == HTTPStatus.OK:
        # After a send without an answer, this may be the update of what that very send created.
        return None if row.doubtful and row.target_id is None else False
    born, changed = content.get("dateCreated"), content.get("lastUpdated")
    return not (isinstance(born, str) and isinstance(changed, str) and born < changed)  # same form: they sort as text


def refusal(status: int, content: Mapping[str, object] | None) -> Refusal:
    """Read what the server has against the customer; a body without an error code is told by its status alone."""
    code = error_code(content)
    if content is None or not code:
        return Refusal(
            "too_large" if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "unclassified", "", f"HTTP {status}"
        )
    words = content.get("error_description")
    description = words if isinstance(words, str) else ""
    return Refusal(code, blamed_field(description), description[:_DESCRIPTION_LENGTH])


def blamed_field(description: str) -> str:
    """Find the field that the server's words blame, "" where they blame none."""
    if match := _NAMED.match(description):
        return match[1] if match[1] != "id" else ""
    if match := _ENTITY.match(description):
        return _SPOKEN.get(match[1], "")
    return next((field for phrase, field in _PHRASES.items() if phrase in description), "")


def failure(action: Action, reply: Reply, operation: str) -> ConnectorError:
    """Give the error for an answer that is the system's failure, not a customer's."""
    return failure_of("valomnia", operation, action, reply)
