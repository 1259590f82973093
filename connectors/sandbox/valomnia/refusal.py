"""Everything that Valomnia says no with, in the words of the vendor's page (chapter 11, failure outputs)."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.sandbox.exchange import Reply, json_reply


class ApiError(Exception):
    """A request that is answered with an error object."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description

    @property
    def reply(self) -> Reply:
        """The error object with its status."""
        return json_reply(self.status, {"error": self.error, "error_description": self.description})


def invalid_param(names: Sequence[str]) -> ApiError:
    """Refuse parameters that the request does not have."""
    description = f"The parameters [{', '.join(names)}] you provided are not valid for this request."
    return ApiError(400, "invalid_param", description)


def invalid_datetime(text: str) -> ApiError:
    """Refuse a date filter that is no ISO-8601 time."""
    description = f"Invalid datetime filter (not ISO-8601 formatted): [{text}]"
    return ApiError(400, "invalid_datetime_format", description)


def invalid_type(name: str) -> ApiError:
    """Refuse a parameter that is no number, no boolean, no id."""
    description = f"The type of parameter {name} you provided is not valid for this request."
    return ApiError(400, "invalid_param_type", description)


def missing(name: str) -> ApiError:
    """Refuse a parameter that must be there."""
    return ApiError(400, "missing_param", f"{name} parameter is missing")


def not_unique() -> ApiError:
    """Refuse a reference that another customer bears."""
    return ApiError(400, "not_unique", "reference already used")


def save_failed() -> ApiError:
    """Refuse any other value that cannot be saved."""
    return ApiError(400, "save_failed", "Failed to save instance.")


def delete_failed() -> ApiError:
    """Refuse a customer that cannot go."""
    return ApiError(400, "delete_failed", "Failed to delete instance.")


def image_too_large() -> ApiError:
    """Refuse an image over the limit."""
    return ApiError(400, "exceeded_file_size", "image size should not exceed 2Mo")


def image_unsupported() -> ApiError:
    """Refuse a file that is no image of a known kind."""
    return ApiError(400, "unsupported_file_type", "image format not supported.")


def not_found(entity: str, identifier: object) -> ApiError:
    """Refuse something that does not exist; the page words it for ids alone, references alike is inferred."""
    return ApiError(404, "not_found", f"The {entity} with the id {identifier} doesn't exist.")


def unknown_currency(code: str) -> ApiError:
    """Refuse a code that is no currency."""
    return ApiError(404, "not_found", f"The currency with name {code} doesn't exist.")


def currency_not_configured(code: str) -> ApiError:
    """Refuse a currency that the organisation has no exchange rate for."""
    return ApiError(404, "not_found", f"The currency with name {code} is not configured.")


def own_parent() -> ApiError:
    """Refuse a customer under itself; a 404 on the page, oddly."""
    return ApiError(404, "not_found", "The customer cannot be a subcustomer of itself.")
