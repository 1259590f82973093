"""Reads Keypro's answers: what each status means for us, whose fault it is, and what is against a customer.

Documented are 400 with the fields that failed, 401, and 404 with its words. Inferred are 200 and 201 for what went
well, the list of texts under each field, and everything about 403, 408, 409, 413, 429 and 5xx.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from http import HTTPStatus
from itertools import islice

from connectors.api.action import Action, failure_of
from connectors.api.body import parse_object
from connectors.api.transport import Reply
from connectors.keypro.property import Properties, read_id, read_reference
from connectors.protocol import (
    Answer,
    ConnectorError,
    PermanentError,
    Refusal,
    Row,
    Surprise,
    TransientError,
)

_DESCRIPTION_LENGTH = 200
_MOST_REFUSALS = 50
_FIELD_LENGTH = 64
_WORDS = ("details", "detail")  # the former is documented, the latter is what its framework says
_NO_FIELD = frozenset({*_WORDS, "non_field_errors", ""})


# The first line that fits decides. What no line names stops the job.
_TABLE: tuple[tuple[Container[int], Action], ...] = (
    ({200, 201}, Action.ACCEPTED),
    (range(202, 300), Action.TRANSIENT),  # nothing proves that it was written
    ({400, 413}, Action.REFUSAL),
    ({401, 403}, Action.CREDENTIALS),  # a customer that this user may not see is inferred not to be 403
    ({404}, Action.ABSENT),  # in its own words; see `action_for`
    ({408}, Action.TRANSIENT),
    ({409}, Action.CONFLICT),
    ({429}, Action.THROTTLED),
    (range(500, 600), Action.TRANSIENT),
)


def action_for(status: int, content: Mapping[str, object] | None) -> Action:
    """Look up what to do about a status; a 404 that is not in this API's words is not about a customer."""
    action = next((action for statuses, action in _TABLE if status in statuses), Action.PERMANENT)
    return Action.PERMANENT if action is Action.ABSENT and not _has_words(content) else action


def read_written(reply: Reply, row: Row, properties: Properties, reference_field: str) -> Answer:
    """Turn the answer to a create or an update into an Answer; raises the connector's errors."""
    operation = "create" if row.target_id is None else "update"
    content = parse_object(reply.body)
    match action_for(reply.status, content):
        case Action.ACCEPTED:
            proven = _Proof(operation, properties, reference_field).customer(content, row)
            return Answer(reply.status, proven, created=row.target_id is None)
        case Action.REFUSAL | Action.CONFLICT as action:
            refusals = read_refusals(reply.status, content, properties)
            about = {refusal.field for refusal in refusals}
            exists = row.target_id is None and (
                action is Action.CONFLICT or (reply.status == HTTPStatus.BAD_REQUEST and about == {reference_field})
            )
            return Answer(reply.status, refusals=refusals, surprise=Surprise.EXISTS if exists else None)
        case Action.ABSENT if row.target_id is not None:
            return Answer(reply.status, refusals=(Refusal("not_found", "", _words(content)),), surprise=Surprise.GONE)
        case action:
            raise failure(action, reply, operation)


def read_shown(content: Mapping[str, object] | None, row: Row, properties: Properties, reference_field: str) -> str:
    """Give the id of the customer that a look-up by id shows; raises TransientError where it is not the row's."""
    return _Proof("look-up", properties, reference_field).customer(content, row)


class _Proof:
    """Judges whether an answer shows the very customer that a request was about."""

    def __init__(self, operation: str, properties: Properties, reference_field: str) -> None:
        self._where = f"keypro: {operation}"
        self._id = properties.name("id")
        self._reference = properties.name(reference_field)

    def customer(self, content: Mapping[str, object] | None, row: Row) -> str:
        """Give the customer's id.

        Raises TransientError where no customer or another one is shown, and PermanentError where a new one is shown
        whole, but under no property that could be the reference: then nobody could ever be found again.
        """
        identity = read_id(content.get(self._id)) if content is not None else None
        if content is None or identity is None:
            raise TransientError(f"{self._where}: the answer shows no customer")
        if row.target_id not in {None, identity}:
            raise TransientError(f"{self._where}: the answer shows another customer")
        if self._reference in content:
            if read_reference(content[self._reference]) != read_reference(row.reference):
                raise TransientError(f"{self._where}: the answer shows another customer")
        elif row.target_id is None and len(content) > 1:
            raise PermanentError(
                f"{self._where}: the customer has no property {self._reference} (reference_field, properties)"
            )
        return identity


def read_refusals(status: int, content: Mapping[str, object] | None, properties: Properties) -> tuple[Refusal, ...]:
    """Read what the server has against a customer, one refusal for each text; without a text its status stands."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return (Refusal("too_large", "", f"HTTP {status}"),)
    told = [
        Refusal("validation_failed", _field(name, properties), text[:_DESCRIPTION_LENGTH])
        for name, text in islice(_texts(content or {}), _MOST_REFUSALS)
    ]
    return tuple(told) or (Refusal("unclassified", "", f"HTTP {status}"),)


def failure(action: Action, reply: Reply, operation: str) -> ConnectorError:
    """Give the error for an answer that is the system's failure, not a customer's."""
    words = "the token is refused" if action is Action.CREDENTIALS else None
    return failure_of("keypro", operation, action, reply, words=words)


def _texts(content: Mapping[str, object], owner: str = "") -> Iterator[tuple[str, str]]:
    """Give every text with the property that it is about; the members of an object belong to its property."""
    for name, value in content.items():
        about = owner or name
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield about, item
            elif isinstance(item, dict):
                yield from _texts(item, about)


def _field(name: str, properties: Properties) -> str:
    """Name the field of a property; what could be no name is none."""
    if name in _NO_FIELD or len(name) > _FIELD_LENGTH or not name.isidentifier():
        return ""
    return properties.field(name)


def _has_words(content: Mapping[str, object] | None) -> bool:
    return content is not None and any(isinstance(content.get(key), str) for key in _WORDS)


def _words(content: Mapping[str, object] | None) -> str:
    texts = (content.get(key) for key in _WORDS) if content is not None else ()
    return next((text for text in texts if isinstance(text, str)), "")[:_DESCRIPTION_LENGTH]
