"""Looks at a request's headers before its path: token, tenant, licence, app, version. Knows no customer.

Inferred: the order of the checks; that 412 and 403 name no property; that malformed optional headers are a 400.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from uuid import UUID

from connectors.sandbox.exchange import Reply, Request
from connectors.sandbox.fault import Faults
from connectors.sandbox.jtl.refusal import error_response, invalid
from connectors.sandbox.jtl.session import TokenDesk
from connectors.sandbox.jtl.setting import JtlSettings

_FORBIDDEN: Final = 403
_REFUSALS = {
    401: ("UNAUTHORIZED", "The request is not authorised."),
    402: ("PAYMENT_REQUIRED", "There is no licence for this app."),
    403: ("FORBIDDEN", "The app lacks a scope."),
}


class Gate:
    """Lets a request in, or answers why not."""

    def __init__(self, settings: JtlSettings, tokens: TokenDesk) -> None:
        self._settings = settings
        self._tokens = tokens

    def admit(self, request: Request, scopes: frozenset[str], faults: Faults) -> Reply | None:
        """Let in who has a token, the tenant and any one of the `scopes` that the operation asks for, if it does."""
        if faults.refuse_credentials == _FORBIDDEN:
            return self._refuse(403)
        if not self._tokens.admits(request, faults):
            return self._refuse(401)
        refusal = None if self._settings.api_key is not None else self._check_tenant(request)
        if refusal is not None:
            return refusal
        if not self._settings.licensed:
            return self._refuse(402)
        if scopes and scopes <= self._settings.scopes_missing:
            return self._refuse(403)
        return self._check_headers(request)

    def _check_tenant(self, request: Request) -> Reply | None:
        given = request.headers.get("x-tenant-id", "")
        if not given:
            return self._missing("x-tenant-id", self._settings.missing_tenant_status)
        same = _is_uuid(given) and UUID(given) == UUID(self._settings.tenant_id)
        return None if same else self._refuse(401)

    def _check_headers(self, request: Request) -> Reply | None:
        if self._settings.requires_app:
            for name in ("x-appid", "x-appversion"):
                if not request.headers.get(name):
                    return self._missing(name, self._settings.missing_app_status)
        checks: dict[str, Callable[[str], bool]] = {
            "api-version": lambda text: text in self._settings.api_versions,
            "x-runas": _is_id,
            "x-sessionid": _is_uuid,
            "x-companyid": _is_id,
        }
        wrong = {
            name: "The value is not valid."
            for name, is_right in checks.items()
            if name in request.headers and not is_right(request.headers[name])
        }
        return invalid(wrong).reply if wrong else None

    def _missing(self, name: str, status: int) -> Reply:
        match status:
            case HTTPStatus.UNAUTHORIZED:
                return self._refuse(401)
            case HTTPStatus.BAD_REQUEST:
                return invalid({name: "The header is required."}).reply
            case _:
                return error_response(status, "PRECONDITION_FAILED", f"The header {name} is required.")

    def _refuse(self, status: int) -> Reply:
        if not self._settings.refusals_have_body:
            return Reply(status, headers=())
        code, message = _REFUSALS[status]
        return error_response(status, code, message)


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,10}", text) is not None or _is_uuid(text)
