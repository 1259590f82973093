"""Sends requests to one customer API, signed by an auth that signs in by itself; retries nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self

import httpx

from connectors.api.auth import SIGN_IN, FixedAuth, SessionAuth
from connectors.api.transport import Reply, Transport
from connectors.protocol import PermanentError

_SECRET_HEADERS = {"authorization": " ", "cookie": "=", "requestor-id": ""}  # and what stands before the secret
_SHOWN_INSTEAD = b"[secret]"


class Client:
    """An ordinary httpx client over our transport; targets are paths with a query.

    Entering it signs in, where there is something to sign in to: raises CredentialsError, TransientError or
    PermanentError.
    """

    def __init__(self, transport: Transport, auth: SessionAuth | FixedAuth) -> None:
        self.transport = transport
        self.origin = transport.origin
        self.auth = auth
        self._client: httpx.AsyncClient | None = None
        self._stack = AsyncExitStack()

    @property
    def address(self) -> str:
        """The kind, and the server."""
        return f"{self.transport.connector}:{self.origin.root}{self.origin.prefix}"

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
            if isinstance(self.auth, SessionAuth):
                await self.ask("GET", self.origin.prefix or "/", SIGN_IN)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def send(self, method: str, target: str, operation: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send one request (and one more where the session had ended) without the cost of httpx's own objects.

        That is taken only where the session has to be renewed.
        """
        if (session := self.auth.session) is not None:
            sent = {**headers, **session.headers}
            reply = await self.transport.exchange(method, target, sent, body, operation)
            if not self.auth.ended(reply.status, reply.body):
                return _discreet(reply, sent)
            self.auth.end(session)
        return await self.ask(method, target, operation, content=body, headers=headers)

    async def ask(self, method: str, target: str, operation: str, **content: Any) -> Reply:
        """Send one request (and one more where the session had ended); the errors of httpx itself become ours."""
        assert self._client is not None, "the client is entered before it is used"
        url = self.origin.root + target
        request = self._client.build_request(method, url, extensions={"operation": operation}, **content)
        try:
            response = await self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL):  # such as a redirect to something that is no address
            raise PermanentError(
                f"{self.transport.connector}: the server answers with something that is not HTTP"
            ) from None
        reply = Reply(response.status_code, response.headers, response.content)
        return _discreet(reply, response.request.headers)


def _discreet(reply: Reply, sent: Mapping[str, str]) -> Reply:
    """Take who we are out of an error that repeats it: its words may be kept as the reason of a reject."""
    if reply.status < httpx.codes.BAD_REQUEST:
        return reply
    body = reply.body
    for name, value in sent.items():
        before = _SECRET_HEADERS.get(name.lower())
        if before is not None and (secret := value.partition(before)[2] if before else value):
            body = body.replace(secret.encode("ascii", "ignore"), _SHOWN_INSTEAD)
    return reply if body is reply.body else replace(reply, body=body)
