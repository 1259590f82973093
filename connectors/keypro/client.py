"""Makes the client of one Keypro environment, which target and source share, and its paths."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from connectors.api.auth import FixedAuth
from connectors.api.body import UnsendableError
from connectors.api.client import Client
from connectors.api.transport import Limits, Origin, Transport
from connectors.keypro.settings import Access
from connectors.protocol import Refusal


def make_client(settings: Access, transport: Transport | None = None) -> Client:
    """Make a client that sends the token with each request; raises ConfigurationError for a wrong address."""
    limits = Limits(timeout_seconds=settings.timeout)
    transport = transport or Transport("keypro", settings.base_url, limits, trust_env=settings.trust_env)
    auth = FixedAuth({"Authorization": f"Token {settings.token.get_secret_value()}"})  # the word is mandatory
    return Client(transport, auth)


def customers_path(origin: Origin) -> str:
    """Give the path of the list of customers; every documented path ends with a slash."""
    return f"{origin.prefix}/customers/"


def segment(text: str, field: str) -> str:
    """Write a text as one segment of a path; raises UnsendableError for what none can be."""
    check_name(text, field)
    return quote(text, safe="")


def check_name(text: str, field: str) -> None:
    """Raise UnsendableError where a text cannot name a customer.

    `.` and `..` are no names but steps, even percent-encoded: servers and proxies resolve them.
    """
    if text.strip() in {"", ".", ".."}:
        raise UnsendableError(Refusal("invalid_reference", field, "empty, . or .. cannot be a reference"))
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UnsendableError(Refusal("invalid_text", field, "holds half a character (a lone surrogate)"))
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise UnsendableError(Refusal("invalid_reference", field, "control characters cannot be in a reference"))
