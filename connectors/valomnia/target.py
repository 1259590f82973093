"""Upserts customers into Valomnia by reference, each in one request; retries nothing and paces nothing.

Facts that no vendor page states and that are inferred here: signing in (`connectors.valomnia.session`), clearing and
lists (`connectors.valomnia.form`), and that an upsert which updated answers 200 (201 is accepted as well).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from connectors.protocol import Answer, Held, PermanentError, Row, TransientError
from connectors.transport import Limits, Reply, Transport
from connectors.valomnia.answer import (
    NOT_FOUND,
    Action,
    action_for,
    error_code,
    failure,
    parse_object,
    proven_id,
    read_upsert,
    session_ended,
)
from connectors.valomnia.form import UnsendableError, encode, read_image, segment, shows, split_files
from connectors.valomnia.session import SIGN_IN, SessionAuth
from connectors.valomnia.settings import ValomniaSettings

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ValomniaTarget:
    """The customers of one Valomnia organisation, as a target.

    Forms go the transport's short way with the session's headers; signing in, look-ups, images, and a form whose
    session has ended go through an ordinary httpx client, whose auth knows how to sign in.
    """

    def __init__(self, settings: ValomniaSettings, transport: Transport | None = None) -> None:
        limits = Limits(timeout_seconds=settings.timeout)
        self._transport = transport or Transport("valomnia", settings.base_url, limits, trust_env=settings.trust_env)
        origin = self._transport.origin
        self._path = f"{origin.prefix}/api/{settings.api_version}/customers/reference/"
        self._auth = SessionAuth(origin, settings.login_path, settings.username, settings.password)
        self._client: httpx.AsyncClient | None = None
        self._stack = AsyncExitStack()

    @property
    def address(self) -> str:
        """The kind, and the organisation's server."""
        return f"valomnia:{self._transport.origin.root}{self._transport.origin.prefix}"

    @property
    def requests(self) -> int:
        """How many requests went out so far, signing in included."""
        return self._transport.requests

    async def __aenter__(self) -> Self:
        client = httpx.AsyncClient(
            transport=self._transport,
            auth=self._auth,
            follow_redirects=False,
            trust_env=False,  # the transport's business
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
        self._client = await self._stack.enter_async_context(client)
        try:
            await self._ask(self._request("GET", self._path, SIGN_IN))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def send(self, row: Row) -> Answer:
        """Upsert by reference (vendor page 11.5): form-encoded, or multipart where a value is a file.

        A row that cannot be written as a request (its reference, a text, an image) is refused here, without one.
        """
        try:
            target = self._path + segment(row.reference)
            if any(isinstance(value, Path) for value in row.values.values()):
                reply = await self._send_parts(target, row.values)
            else:
                reply = await self._send_form(target, encode(row.values))
        except UnsendableError as error:
            return Answer(None, refusals=(error.refusal,))
        return read_upsert(reply, row)

    async def look_up(self, row: Row) -> Held | None:
        """Show by reference (vendor page 11.2), and compare with the row's values under the names of the answer."""
        try:
            target = self._path + segment(row.reference)
        except UnsendableError:
            return None  # it was never sent, and nothing can be held under it
        reply = await self._ask(self._request("GET", target, "look-up"))
        content = parse_object(reply.body)
        match action_for(reply.status, error_code(content)):
            case Action.ACCEPTED:
                target_id = proven_id(content, row.reference, "look-up")
                return Held(target_id, shows(content or {}, row.values))
            case Action.REFUSAL if reply.status == httpx.codes.NOT_FOUND and error_code(content) == NOT_FOUND:
                return None
            case Action.REFUSAL:  # says nothing of whether the customer is there
                raise TransientError(f"valomnia: look-up: status {reply.status}")
            case action:
                raise failure(action, reply, "look-up")

    async def _send_form(self, target: str, body: bytes) -> Reply:
        """Take the short way while the session lives, else the way that signs in."""
        if (session := self._auth.session) is not None:
            headers = {**_FORM, **session.headers}
            reply = await self._transport.exchange("POST", target, headers, body, "upsert")
            if not session_ended(reply.status, reply.body):
                return reply
            self._auth.end(session)
        return await self._ask(self._request("POST", target, "upsert", content=body, headers=_FORM))

    async def _send_parts(self, target: str, values: Mapping[str, object]) -> Reply:
        texts, paths = split_files(values)
        files = {}
        for name, path in paths.items():
            content, media_type = await asyncio.to_thread(read_image, name, path)
            files[name] = (f"image.{media_type.partition('/')[2]}", content, media_type)
        return await self._ask(self._request("POST", target, "upsert", data=texts, files=files))

    def _request(self, method: str, target: str, operation: str, **content: Any) -> httpx.Request:
        assert self._client is not None, "the target is entered before it is used"
        url = self._transport.origin.root + target
        return self._client.build_request(method, url, extensions={"operation": operation}, **content)

    async def _ask(self, request: httpx.Request) -> Reply:
        """Send through the ordinary client; the errors of httpx itself become ours."""
        assert self._client is not None, "the target is entered before it is used"
        try:
            response = await self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL):  # such as a redirect to something that is no address
            raise PermanentError("valomnia: the server answers with something that is not HTTP") from None
        return Reply(response.status_code, response.headers, response.content)
