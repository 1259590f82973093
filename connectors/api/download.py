"""Fetches what a customer refers to by an address; sends no credentials there, and takes no more than it is allowed."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Self

from yarl import URL

from connectors.api.body import UnsendableError
from connectors.api.transport import Limits, OversizeError, Reply, Transport
from connectors.protocol import ConnectorError, Refusal, TransientError
from connectors.retry import Retry

_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Downloads:
    """Hosts beside the API, each with its own connections; which may be asked is the job's to say, and checked before.

    A host that fails is the matter of the customers who name it, not of the run: each is told, and tried again later.
    """

    def __init__(self, connector: str, limits: Limits, *, trust_env: bool = False, retry: Retry | None = None) -> None:
        self._connector, self._limits, self._trust_env = connector, limits, trust_env
        self._retry = retry or Retry(tries=3, longest_seconds=5)
        self._hosts: dict[str, Transport] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hosts.clear()
        await self._open.aclose()

    async def fetch(self, url: URL, field: str) -> bytes:
        """Give what is at an address; raises UnsendableError, naming the field, where it cannot be had.

        Codes: `missing_file` (404, 410), `exceeded_file_size`, `unreadable_file` for everything else; a redirect is not
        followed.
        """
        reply = None
        for failures in range(1, self._retry.tries + 1):
            try:
                reply = await (await self._host(url)).exchange(
                    "GET", url.raw_path_qs, {"Accept": "image/*"}, None, "image"
                )
            except OversizeError:
                raise _refusal("exceeded_file_size", field, "image size should not exceed 2Mo") from None
            except TransientError:
                reply = None
            except ConnectorError:
                raise _refusal("unreadable_file", field, "the host of the file offers no secure connection") from None
            if reply is not None and not _is_passing(reply):
                break
            if failures < self._retry.tries:
                await asyncio.sleep(self._retry.pause(failures, None, random.random()))  # noqa: S311 - not a secret
        if reply is None:
            raise _refusal("unreadable_file", field, "the host of the file does not answer")
        if reply.status in _GONE:
            raise _refusal("missing_file", field, "there is no file at the address")
        if reply.status != HTTPStatus.OK:
            raise _refusal("unreadable_file", field, f"the host of the file answered with status {reply.status}")
        return reply.body

    async def _host(self, url: URL) -> Transport:
        origin = str(url.origin())
        if origin not in self._hosts:
            transport = Transport(self._connector, origin, self._limits, trust_env=self._trust_env)
            self._hosts[origin] = transport
            await self._open.enter_async_context(transport)
        return self._hosts[origin]


def _is_passing(reply: Reply) -> bool:
    return reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status in _PASSING


def _refusal(code: str, field: str, words: str) -> UnsendableError:
    return UnsendableError(Refusal(code, field, words))
