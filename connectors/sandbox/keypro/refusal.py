"""Everything that Keypro says no with; documented are the words of 401 and 404, and that 400 names the fields.

Sources: https://support.keypro.fi/apidocs/create-new-customer-1 and /update-partial-customer-data. The other words are
inferred after Django REST framework, whose token header and shapes these are, under the documented key `details`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.sandbox.exchange import Reply, json_reply

NOT_FOUND = "Not found."
SERVER_ERROR = "A server error occurred."
THROTTLED = "Request was throttled."
REQUIRED = "This field is required."
NULL = "This field may not be null."
BLANK = "This field may not be blank."
NOT_WRITABLE = "This field is read only."
UNKNOWN = "Unknown field."
UNKNOWN_PARAMETER = "Unknown parameter."
INVALID_INTEGER = "A valid integer is required."
INVALID_NUMBER = "A valid number is required."
INVALID_BOOLEAN = "Not a valid boolean."
INVALID_TEXT = "Not a valid string."
INVALID_DATE = "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."
INVALID_MOMENT = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z], YYYY-MM-DD."
)
NULL_CHARACTER = "Null characters are not allowed."


class ApiError(Exception):
    """A request that is answered with an error object."""

    def __init__(
        self, status: int, content: Mapping[str, object], headers: Mapping[bytes, bytes] | None = None
    ) -> None:
        super().__init__(status, content)
        self.status = status
        self.content = content
        self.headers = headers or {}

    @property
    def reply(self) -> Reply:
        """The error object with its status."""
        reply = json_reply(self.status, self.content)
        return Reply(reply.status, reply.body, (*reply.headers, *self.headers.items()))


def detailed(status: int, text: str) -> ApiError:
    """Refuse a request as a whole."""
    return ApiError(status, {"details": text})


def invalid(errors: Mapping[str, Sequence[str]], status: int = 400) -> ApiError:
    """Refuse fields or parameters, each with its reasons."""
    return ApiError(status, dict(errors))


def not_found() -> ApiError:
    """Refuse something that does not exist, in the documented words."""
    return detailed(404, NOT_FOUND)


def no_credentials() -> ApiError:
    """Refuse a missing or wrong token, in the documented words (no full stop); the challenge is inferred."""
    words = {"details": "Authentication credentials were not provided"}
    return ApiError(401, words, {b"www-authenticate": b"Token"})


def forbidden() -> ApiError:
    """Refuse what the token's user may not do."""
    return detailed(403, "You do not have permission to perform this action.")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    """Refuse a method that a known path does not have."""
    return ApiError(405, {"details": f'Method "{method}" not allowed.'}, {b"allow": allowed.encode()})


def unsupported_media_type(content_type: str) -> ApiError:
    """Refuse a body that does not say that it is JSON."""
    return detailed(415, f'Unsupported media type "{content_type}" in request.')


def unreadable(reason: str) -> ApiError:
    """Refuse a body that is no JSON."""
    return detailed(400, f"JSON parse error - {reason}")


def no_object(kind: str) -> ApiError:
    """Refuse JSON that is no object."""
    return invalid({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {kind}."]})


def taken(key: str) -> str:
    """Say that another customer bears this value."""
    return f"customer with this {key} already exists."


def no_such_constant(constant_id: object) -> str:
    """Say that an id names no constant of its group."""
    return f'Invalid pk "{constant_id}" - object does not exist.'


def no_such_order(text: str) -> str:
    """Say that a list cannot be ordered by this."""
    return f'Invalid field "{text}".'
