"""Everything that tradevest says no with: the documented ErrorMessage and its ErrorDetails.

The pages have the keys and their limits, and one code, `ALREADY_EXISTS_ERROR`; every other `responseType`, `errorCode`,
`code` and wording is inferred, and so is this body under anything but 400.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.exchange import Reply, json_reply

_LONGEST_FIELD = 255
_FIRST_SERVER_ERROR = 500
_RESPONSE_TYPES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field; `parameter` is the limit that it broke."""

    field: str
    code: str
    message: str
    parameter: str | None = None


class ApiError(Exception):
    """A request that is answered with an ErrorMessage."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        problems: Sequence[Problem] = (),
        validation: str | None = None,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.code = code
        self.problems = problems
        self.validation = validation

    @property
    def reply(self) -> Reply:
        """The ErrorMessage with its status."""
        return error_reply(
            self.status, self.message, code=self.code, problems=self.problems, validation=self.validation
        )


def error_reply(
    status: int,
    message: str | None,
    *,
    code: str | None = None,
    problems: Sequence[Problem] = (),
    validation: str | None = None,
) -> Reply:
    """Make an ErrorMessage; None, and no problems, leave a key out."""
    fallback = "SERVER_ERROR" if status >= _FIRST_SERVER_ERROR else "ERROR"
    content: dict[str, object] = {
        "message": message,
        "responseType": _RESPONSE_TYPES.get(status, fallback),
        "requestId": str(uuid.uuid4()),
        "validationString": validation,
        "errorCode": code,
        "errorDetails": _details(problems) or None,
    }
    return json_reply(status, {key: value for key, value in content.items() if value is not None})


def _details(problems: Sequence[Problem]) -> list[dict[str, object]]:
    by_field: dict[str, list[dict[str, str]]] = {}
    for problem in problems:
        error = {"code": problem.code, "message": problem.message}
        if problem.parameter is not None:
            error["parameter"] = problem.parameter
        by_field.setdefault(problem.field[:_LONGEST_FIELD], []).append(error)
    return [{"field": field, "errors": errors} for field, errors in by_field.items()]


def invalid(problems: Sequence[Problem]) -> ApiError:
    """Refuse a request for its fields, each with all that is wrong with it."""
    return ApiError(400, "Validation failed", problems=problems)


def unreadable(reason: str) -> ApiError:
    """Refuse a body that has no fields to speak of."""
    return ApiError(400, "Validation failed", validation=reason)


def not_found(what: str) -> ApiError:
    """Refuse to show what does not exist."""
    return ApiError(404, f"{what} not found", code="NOT_FOUND_ERROR")


def already_exists() -> ApiError:
    """Refuse a second customer of one entity."""
    return ApiError(409, "The entity already is a customer", code="ALREADY_EXISTS_ERROR")
