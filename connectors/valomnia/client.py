"""Sends requests to one organisation's Valomnia, signed by a session that it opens by itself; retries nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, Self

import httpx

from connectors.protocol import PermanentError
from connectors.transport import Limits, Reply, Transport
from connectors.valomnia.session import SIGN_IN, SessionAuth
from connectors.valomnia.settings import Access


class Client:
    """An ordinary httpx client over our transport, whose auth knows how to sign in; targets are paths with a query.

    Entering it signs in: raises CredentialsError, TransientError or PermanentError.
    """

    def __init__(self, settings: Access, transport: Transport | None = None) -> None:
        limits = Limits(timeout_seconds=settings.timeout)
        self.transport = transport or Transport("valomnia", settings.base_url, limits, trust_env=settings.trust_env)
        self.origin = self.transport.origin
        self.auth = SessionAuth(self.origin, settings.login_path, settings.username, settings.password)
        self.customers = f"{self.origin.prefix}/api/{settings.api_version}/customers"
        self._client: httpx.AsyncClient | None = None
        self._stack = AsyncExitStack()

    @property
    def address(self) -> str:
        """The kind, and the organisation's server."""
        return f"valomnia:{self.origin.root}{self.origin.prefix}"

    async def __aenter__(self) -> Self:
        client = httpx.AsyncClient(
            transport=self.transport,
            auth=self.auth,
            follow_redirects=False,
            trust_env=False,  # the transport's business
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
        self._client = await self._stack.enter_async_context(client)
        try:
            await self.ask("GET", self.customers, SIGN_IN)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self, method: str, target: str, operation: str, **content: Any) -> Reply:
        """Send one request (and one more where the session had ended); the errors of httpx itself become ours."""
        assert self._client is not None, "the client is entered before it is used"
        url = self.origin.root + target
        request = self._client.build_request(method, url, extensions={"operation": operation}, **content)
        try:
            response = await self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL):  # such as a redirect to something that is no address
            raise PermanentError("valomnia: the server answers with something that is not HTTP") from None
        return Reply(response.status_code, response.headers, response.content)
