"""What can be made of an answer, and the errors that are no customer's fault; each connector has its own table."""

from __future__ import annotations

from enum import Enum, auto

from connectors.api.transport import Reply, retry_after
from connectors.protocol import AnsweredError, ConnectorError, CredentialsError, PermanentError, ThrottledError


class Action(Enum):
    """What to do about an answer."""

    ACCEPTED = auto()  # once its body proves it
    REFUSAL = auto()  # of this one customer
    CONFLICT = auto()  # the same, and a new customer is there already
    ABSENT = auto()  # nobody has this id
    TRANSIENT = auto()  # try again
    THROTTLED = auto()  # wait, then go on
    CREDENTIALS = auto()  # sign in again, or stop
    PERMANENT = auto()  # stop


def failure_of(
    connector: str, operation: str, action: Action, reply: Reply, *, words: str | None = None, wait: float | None = None
) -> ConnectorError:
    """Give the error for an answer that is the system's failure, not a customer's.

    `words` say more than the action does, `wait` how many seconds a throttled answer without `Retry-After` asks for.
    """
    where = f"{connector}: {operation}: status {reply.status}"
    match action:
        case Action.THROTTLED:
            asked = retry_after(reply.headers)
            return ThrottledError(where, wait if asked is None else asked)
        case Action.TRANSIENT:
            return AnsweredError(where, retry_after(reply.headers), reply.status)
        case Action.CREDENTIALS:
            return CredentialsError(f"{where}: {words or 'the credentials are refused'}")
        case Action.REFUSAL | Action.CONFLICT:
            return PermanentError(f"{where}: the request is refused")
        case _:
            return PermanentError(f"{where}: {words or 'not an answer that this API gives'}")
