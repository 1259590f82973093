"""Upserts customers into Valomnia by reference, each in one request; retries nothing and paces nothing.

Facts that no vendor page states and that are inferred here: signing in (`connectors.valomnia.session`), clearing and
lists (`connectors.valomnia.form`), and that an upsert which updated answers 200 (201 is accepted as well).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import httpx
from yarl import URL

from connectors.api.action import Action
from connectors.api.body import UnsendableError, parse_object
from connectors.api.download import Downloads
from connectors.api.transport import Limits, Reply, Transport
from connectors.protocol import Answer, Entity, Held, Row, TransientError
from connectors.valomnia.answer import NOT_FOUND, action_for, error_code, failure, proven_id, read_upsert
from connectors.valomnia.client import api_path, make_client
from connectors.valomnia.entity import RESOURCES, list_entities
from connectors.valomnia.form import (
    IMAGE_BYTES,
    Image,
    differing,
    encode,
    has_image,
    media_type,
    read_file,
    segment,
    split_images,
)
from connectors.valomnia.settings import ValomniaSettings

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class ValomniaTarget:
    """The customers of one Valomnia organisation, as a target.

    Forms go the client's short way; look-ups and images are sent by httpx.
    """

    def __init__(self, settings: ValomniaSettings, transport: Transport | None = None) -> None:
        self._client = make_client(settings, transport)
        self._api = api_path(settings, self._client.origin)
        self._path = f"{self._api}/customers/reference/"
        limits = Limits(timeout_seconds=settings.timeout, body_bytes=IMAGE_BYTES)
        self._downloads = Downloads("valomnia", limits, trust_env=settings.trust_env)

    @property
    def address(self) -> str:
        """The kind, and the organisation's server."""
        return self._client.address

    @property
    def requests(self) -> int:
        """How many requests went out so far, signing in included."""
        return self._client.transport.requests

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._downloads.__aexit__()
        await self._client.__aexit__()

    async def send(self, row: Row) -> Answer:
        """Upsert by reference (vendor page 11.5): form-encoded, or multipart where a value is a file.

        A row that cannot be written as a request (its reference, a text, an image) is refused here, without one.
        """
        try:
            target = self._path + segment(row.reference)
            if has_image(row.values):
                reply = await self._send_parts(target, row.values)
            else:
                reply = await self._client.send("POST", target, "upsert", encode(row.values), _FORM)
        except UnsendableError as error:
            return Answer(None, refusals=(error.refusal,))
        return read_upsert(reply, row)

    async def look_up(self, row: Row) -> Held | None:
        """Show by reference (vendor page 11.2), and compare with the row's values under the names of the answer."""
        try:
            target = self._path + segment(row.reference)
        except UnsendableError:
            return None  # it was never sent, and nothing can be held under it
        reply = await self._client.ask("GET", target, "look-up")
        content = parse_object(reply.body)
        match action_for(reply.status, error_code(content)):
            case Action.ACCEPTED:
                target_id = proven_id(content, row.reference, "look-up")
                return Held(target_id, differing(content or {}, row.values))
            case Action.REFUSAL if reply.status == httpx.codes.NOT_FOUND and error_code(content) == NOT_FOUND:
                return None
            case Action.REFUSAL:  # says nothing of whether the customer is there
                raise TransientError(f"valomnia: look-up: status {reply.status}")
            case action:
                raise failure(action, reply, "look-up")

    async def entities(self, kind: str) -> Sequence[Entity] | None:
        """List what customers may name; None where the server has no such list, or where no kind is called so."""
        return await list_entities(self._client, self._api, kind) if kind in RESOURCES else None

    async def _send_parts(self, target: str, values: Mapping[str, object]) -> Reply:
        texts, images = split_images(values)
        files = {}
        for name, image in images.items():
            content = await self._content(name, image)
            kind = media_type(name, content)
            files[name] = (f"image.{kind.partition('/')[2]}", content, kind)
        return await self._client.ask("POST", target, "upsert", data=texts, files=files)

    async def _content(self, name: str, image: Image) -> bytes:
        match image:
            case bytes():
                return image
            case URL():
                return await self._downloads.fetch(image, name)
            case _:
                return await asyncio.to_thread(read_file, name, image)
