"""Reads JTL-Wawi's answers: what each status means for us, and whose fault it is.

Inferred: the statuses that only the vendor's guide has (403, 409, 412, 422, 429), and that a refusal of nothing but
`Number` may mean that the number is taken. Bodies of 401, 402, 403 and 429 are unknown and not read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from http import HTTPStatus

from connectors.api.action import Action, failure_of
from connectors.api.body import parse_object
from connectors.api.transport import Reply
from connectors.jtl.name import pick, property_name
from connectors.protocol import (
    Answer,
    ConnectorError,
    Refusal,
    Row,
    Surprise,
    TransientError,
)

_DESCRIPTION_LENGTH = 200
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_INTERVAL = "X-RateLimit-Interval-Length-Seconds"


# The first line that fits decides. What no line names stops the job.
_TABLE: tuple[tuple[Container[int], Action], ...] = (
    (range(200, 300), Action.ACCEPTED),  # an update answers 201, or 200 by the guide
    (range(300, 400), Action.PERMANENT),  # would carry the customer, and the token, elsewhere
    ({401, 403}, Action.CREDENTIALS),
    ({404}, Action.ABSENT),
    ({408}, Action.TRANSIENT),
    ({409}, Action.CONFLICT),
    ({429}, Action.THROTTLED),
    ({400, 413, 422}, Action.REFUSAL),
    (range(500, 600), Action.TRANSIENT),
)

_WORDS = {
    401: "the credentials, or the tenant, are refused",
    402: "the ERP has no licence for this, or JTL has not authorised the app",
    403: "the app was not given the scope for this",
    412: "a required header is missing (tenant_id, app_id, app_version)",
}


def action_for(reply: Reply) -> Action:
    """Look up what to do about an answer; a 404 that is none of this API's words comes from somebody else."""
    action = next((action for statuses, action in _TABLE if reply.status in statuses), Action.PERMANENT)
    foreign = action is Action.ABSENT and reply.body.strip() != b"" and parse_object(reply.body) is None
    return Action.PERMANENT if foreign else action


def read_write(reply: Reply, row: Row) -> Answer:
    """Turn the answer to a create or an update into an Answer; raises the connector's errors for its failures."""
    creates = row.target_id is None
    operation = "create" if creates else "update"
    match action_for(reply):
        case Action.ACCEPTED:
            return Answer(reply.status, proven_id(parse_object(reply.body), row, operation), created=creates)
        case Action.REFUSAL | Action.CONFLICT as action:
            found = refusals(reply)
            taken = creates and (action is Action.CONFLICT or {each.field for each in found} == {"Number"})
            return Answer(reply.status, row.target_id, refusals=found, surprise=Surprise.EXISTS if taken else None)
        case Action.ABSENT if not creates:
            return Answer(reply.status, refusals=refusals(reply), surprise=Surprise.GONE)
        case action:
            raise failure(action, reply, operation)


def proven_id(content: Mapping[str, object] | None, row: Row, operation: str) -> str:
    """Give the id of the customer that the answer shows; raises TransientError where it shows none, or another."""
    key = None if content is None else identity(content)
    if content is None or key is None:
        raise TransientError(f"jtl: {operation}: the answer shows no customer")
    shown = pick(content, "Number")
    if row.target_id not in {None, key} or (shown is not ... and number(content) != comparable(row.reference)):
        raise TransientError(f"jtl: {operation}: the answer shows another customer")
    return key


def identity(record: Mapping[str, object]) -> str | None:
    """Read a customer's id as text; None where it has none that could be asked for."""
    value = pick(record, "Id")
    return None if isinstance(value, bool) or not isinstance(value, int) else str(value)


def number(record: Mapping[str, object]) -> str | None:
    """Read a customer's number as references are compared; None where it has none."""
    value = pick(record, "Number")
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return comparable(str(value)) or None


def comparable(reference: str) -> str:
    """Write a reference as references are compared: trimmed and in NFC, its case kept."""
    return unicodedata.normalize("NFC", reference.strip())


def refusals(reply: Reply) -> tuple[Refusal, ...]:
    """Read what the server has against the customer, property by property where it says so; never its stack trace."""
    told = f"HTTP {reply.status}"
    if reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return (Refusal("too_large", "", told),)
    content = parse_object(reply.body) or {}
    code = pick(content, "ErrorCode")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else "unclassified"
    properties = pick(content, "ValidationErrors")
    if isinstance(properties, Mapping) and properties:
        return tuple(Refusal(code, property_name(name), _cut(text) or told) for name, text in properties.items())
    return (Refusal(code, "", _cut(pick(content, "ErrorMessage")) or told),)


def _cut(words: object) -> str:
    if isinstance(words, list):  # other frameworks give several texts to a property
        words = " ".join(text for text in words if isinstance(text, str))
    return words.strip()[:_DESCRIPTION_LENGTH] if isinstance(words, str) else ""


def failure(action: Action, reply: Reply, operation: str) -> ConnectorError:
    """Give the error for an answer that is the system's failure, not a customer's."""
    words, wait = _WORDS.get(reply.status), _interval_seconds(reply.headers)
    return failure_of("jtl", operation, action, reply, words=words, wait=wait)


def _interval_seconds(headers: Mapping[str, str]) -> float | None:
    """Read the limit's whole interval: the vendor does not mention `Retry-After`."""
    text = headers.get(_INTERVAL, "").strip()
    return float(text[:9]) if text.isascii() and text.isdecimal() else None
