"""Everything that JTL-Wawi says no with, as ErrorResponse objects.

`VALIDATION_ERROR` and `NOT_FOUND` are the vendor's codes; the other codes, and all messages, are inferred, as is that
the four keys are always there.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.exchange import Reply, json_reply


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    wrong: Mapping[str, str] | None = None,
    trace: str | None = None,
) -> Reply:
    """Make an ErrorResponse; `wrong` says for each property what is the matter with it."""
    content = {"ErrorCode": code, "ValidationErrors": dict(wrong or {}), "ErrorMessage": message, "Stacktrace": trace}
    return json_reply(status, content)


class ApiError(Exception):
    """A request that is answered with an ErrorResponse."""

    def __init__(self, status: int, code: str, message: str, wrong: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.reply = error_response(status, code, message, wrong=wrong)


def invalid(wrong: Mapping[str, str]) -> ApiError:
    """Refuse properties, parameters or headers, all that are wrong at once."""
    return ApiError(400, "VALIDATION_ERROR", "One or more values are not valid.", wrong)


def unreadable(message: str) -> ApiError:
    """Refuse a body that is no JSON object."""
    return ApiError(400, "VALIDATION_ERROR", message)


def unsupported_media() -> ApiError:
    """Refuse a body that does not call itself JSON."""
    return ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The content type of the request is not supported.")


def no_customer() -> ApiError:
    """Refuse an id that is no customer's."""
    return ApiError(404, "NOT_FOUND", "The customer does not exist.")


def no_resource() -> ApiError:
    """Refuse a path that leads nowhere."""
    return ApiError(404, "NOT_FOUND", "The resource does not exist.")


def number_taken() -> ApiError:
    """Refuse a Number that another customer bears."""
    return ApiError(409, "CONFLICT", "A customer with this number exists already.")
