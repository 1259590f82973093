"""Makes the client of one ERP, which target and source share."""

from __future__ import annotations

from http import HTTPStatus

from connectors.api.auth import FixedAuth, SessionAuth
from connectors.api.client import Client
from connectors.api.oauth import ClientCredentials
from connectors.api.transport import Limits, Origin, Transport
from connectors.jtl.settings import Access


def make_client(settings: Access, transport: Transport | None = None) -> Client:
    """Make a client that signs in with a token or a key; raises ConfigurationError for a wrong address."""
    if transport is None:
        token_url = None if settings.client_id is None else settings.token_url
        limits = Limits(timeout_seconds=settings.timeout)
        transport = Transport("jtl", settings.base_url, limits, token_url=token_url, trust_env=settings.trust_env)
    return Client(transport, make_auth(settings))


def make_auth(settings: Access) -> SessionAuth | FixedAuth:
    """Make the auth; the headers of tenant, version and app go with what it signs, not with what asks for a token."""
    more = _headers(settings)
    if settings.api_key is not None:
        return FixedAuth({**more, "Authorization": f"Wawi {settings.api_key.get_secret_value()}"})
    assert settings.client_id is not None, "the settings have one way to sign in"
    assert settings.client_secret is not None, "the settings have one way to sign in"
    credentials = ClientCredentials(
        "jtl",
        settings.token_url.strip(),
        settings.client_id,
        settings.client_secret,
        "basic",
        settings.scope,
        more,
    )
    return SessionAuth("jtl", credentials.sign_in, lambda status, _: status == HTTPStatus.UNAUTHORIZED)


def customers_path(settings: Access, origin: Origin) -> str:
    """Give the path of the customers."""
    return f"{origin.prefix}{settings.path}"


def address(settings: Access, client: Client) -> str:
    """Name the kind, the server and the tenant: all tenants of the cloud have one address."""
    return client.address if settings.tenant_id is None else f"{client.address}#{settings.tenant_id.lower()}"


def _headers(settings: Access) -> dict[str, str]:
    values = {
        "x-tenant-id": settings.tenant_id,
        "api-version": settings.api_version,
        "x-appid": settings.app_id,
        "x-appversion": settings.app_version,
        "x-runas": settings.run_as,
    }
    return {name: value for name, value in values.items() if value is not None}
