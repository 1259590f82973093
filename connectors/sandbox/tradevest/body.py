"""Reads the JSON bodies of tradevest's writes and their `Requestor-ID`; says nothing about what customers do with them.

Inferred: a body of another type is 415; one that is no JSON, or no object or array where that is wanted, is a 400 with
a `validationString` and no details; a `Requestor-ID` that is no uuid is a 400 even where none is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from connectors.sandbox.exchange import Request
from connectors.sandbox.tradevest.refusal import ApiError, Problem, invalid, unreadable
from connectors.sandbox.tradevest.value import (
    ENTITY_TYPES,
    absent,
    check_labels,
    check_uuid,
    list_of,
    object_of,
    one_of,
    text,
)

REF_ACCOUNT_KEYS = ("bankName", "iban", "bic", "type", "ownerName")
_NOT_BLANK = r"^.*\S+.*$"
_IBAN = r"^[A-Z]{2}[0-9A-Z]{14,31}$"
_BIC = r"^[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$"


@dataclass(frozen=True, slots=True)
class CustomerData:
    """What a create says, checked; the id in lower case, properties that were not sent are None."""

    entity_id: str
    entity_type: str
    ref_accounts: tuple[Mapping[str, str | None], ...]
    labels: tuple[str, ...]


class BodyReader:
    """Reads the bodies of creates, updates and of the label requests; raises ApiError with all that is wrong."""

    def __init__(self, *, refuses_unknown: bool) -> None:
        ref_account = object_of(
            {
                "bankName": text(1, 255, _NOT_BLANK),
                "iban": text(0, 33, _IBAN),
                "bic": text(8, 11, _BIC),
                "type": one_of(("PRIMARY", "OTHER")),
                "ownerName": text(1, 255, _NOT_BLANK),
            },
            required=("iban", "ownerName"),
            refuses_unknown=refuses_unknown,
        )
        self._create = object_of(
            {
                "entityId": check_uuid,
                "entityType": one_of(ENTITY_TYPES),
                "refAccounts": list_of(ref_account),
                "labels": check_labels,
            },
            required=("entityId", "entityType"),
            refuses_unknown=refuses_unknown,
        )
        self._update = object_of({"labels": check_labels}, (), refuses_unknown=refuses_unknown)
        self._rename = object_of({"name": text(1)}, ("name",), refuses_unknown=refuses_unknown)
        self._ids = list_of(check_uuid)

    def read_create(self, content: Mapping[str, Any], problems: list[Problem]) -> CustomerData:
        """Read CustomerData; `problems` are what was wrong with the rest of the request."""
        _raise_for(problems + self._create("", content))
        accounts = [{key: account.get(key) for key in REF_ACCOUNT_KEYS} for account in content.get("refAccounts", ())]
        return CustomerData(
            entity_id=content["entityId"].lower(),
            entity_type=content["entityType"],
            ref_accounts=tuple(accounts),
            labels=tuple(content.get("labels", ())),
        )

    def read_update(self, content: Mapping[str, Any], problems: list[Problem]) -> tuple[str, ...] | None:
        """Read the labels of a PATCH, None where it has none; `problems` as for a create."""
        _raise_for(problems + self._update("", content))
        return tuple(content["labels"]) if "labels" in content else None

    def read_name(self, content: Mapping[str, Any]) -> str:
        """Read the new name of a label."""
        _raise_for(self._rename("", content))
        return str(content["name"])

    def read_ids(self, content: object) -> list[str]:
        """Read a bare array of uuids, in lower case."""
        if not isinstance(content, list):
            raise unreadable("the body must be an array")
        _raise_for(self._ids("", content))
        return [customer_id.lower() for customer_id in content]


def _raise_for(problems: list[Problem]) -> None:
    if problems:
        raise invalid(problems)


def read_json(request: Request) -> Any:
    """Read a body of JSON; raises ApiError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(415, "The content type of the request is not supported")
    try:
        body = request.body.decode()
        content = json.loads(body, parse_constant=_no_json)
        if "\\ud" in body.lower():  # half of a surrogate pair is no text: no answer could show it
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise unreadable("the body is not JSON") from None
    return content


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def read_object(request: Request) -> dict[str, Any]:
    """Read a body that is a JSON object; raises ApiError."""
    content = read_json(request)
    if not isinstance(content, dict):
        raise unreadable("the body must be an object")
    return content


def check_requestor(request: Request, *, required: bool) -> list[Problem]:
    """Check the `Requestor-ID` header."""
    requestor = request.headers.get("requestor-id")
    if requestor is None:
        return [absent("Requestor-ID")] if required else []
    return check_uuid("Requestor-ID", requestor)
