"""Makes the client of one organisation's Valomnia, which target and source share."""

from __future__ import annotations

from connectors.api.auth import SessionAuth
from connectors.api.client import Client
from connectors.api.transport import Limits, Origin, Transport
from connectors.valomnia.answer import session_ended
from connectors.valomnia.session import Login
from connectors.valomnia.settings import Access


def make_client(settings: Access, transport: Transport | None = None) -> Client:
    """Make a client whose auth signs in with the settings' user; raises ConfigurationError for a wrong address."""
    limits = Limits(timeout_seconds=settings.timeout)
    transport = transport or Transport("valomnia", settings.base_url, limits, trust_env=settings.trust_env)
    return Client(transport, make_auth(settings, transport.origin))


def make_auth(settings: Access, origin: Origin) -> SessionAuth:
    """Make the auth that signs in at this place."""
    login = Login(origin, settings.login_path, settings.username, settings.password)
    return SessionAuth("valomnia", login.sign_in, session_ended)


def api_path(settings: Access, origin: Origin) -> str:
    """Give the path under which the resources are (`BASE_URL/api/VERSION/`)."""
    return f"{origin.prefix}/api/{settings.api_version}"
