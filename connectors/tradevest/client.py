"""Makes the client of one tradevest platform, which target and source share, its paths, and reads its ids."""

from __future__ import annotations

import re
from http import HTTPStatus

from connectors.api.auth import SessionAuth
from connectors.api.client import Client
from connectors.api.oauth import ClientCredentials
from connectors.api.transport import Limits, Origin, Transport
from connectors.tradevest.settings import Access

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def make_client(settings: Access, transport: Transport | None = None) -> Client:
    """Make a client that signs in for a token; raises ConfigurationError for a wrong address."""
    if transport is None:
        limits = Limits(timeout_seconds=settings.timeout)
        transport = Transport(
            "tradevest", settings.base_url, limits, token_url=settings.token_url, trust_env=settings.trust_env
        )
    return Client(transport, make_auth(settings))


def make_auth(settings: Access) -> SessionAuth:
    """Make the auth; its credentials go in the form, as both vendor pages about tokens have it."""
    credentials = ClientCredentials(
        "tradevest", settings.token_url.strip(), settings.client_id, settings.client_secret, "form", settings.scope
    )
    return SessionAuth("tradevest", credentials.sign_in, lambda status, _: status == HTTPStatus.UNAUTHORIZED)


def customers_path(origin: Origin) -> str:
    """Give the path of the customers."""
    return f"{origin.prefix}/roles/customers"


def read_uuid(value: object) -> str | None:
    """Read a UUID as answers show it, in lower case; None for anything else.

    The case of its digits means nothing (RFC 9562), so that two spellings are one id.
    """
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None
