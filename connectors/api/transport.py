"""Carries requests to one customer API under one deadline and one cap; follows no redirect, retries nothing.

It leaves its origin for nobody, and its errors name connector, operation and status, never an address or a body.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
import logging
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import httpx
from yarl import URL

from connectors.protocol import ConfigurationError, ConnectorError, PermanentError, TransientError

_MIB = 1024 * 1024
_AGENT = "rollcall"
_HOP_BY_HOP = frozenset({"host", "content-length", "connection", "transfer-encoding"})  # aiohttp writes its own
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a name or an IPv6 address; httpx takes more for a host
_CHATTY = ("httpx", "httpcore", "aiohttp")

# What allows a request is proven just before it is made. One that was frozen while it connected must not go out when it
# wakes up: a run's lease goes to another 35 seconds after it was frozen, at the earliest.
CONNECTING_SECONDS = 20.0


class OversizeError(TransientError):
    """An answer has more bytes than are taken."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status, headers (case-insensitive) and the decoded body, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """The one place that requests go to: scheme, host and port as text, and the path before every target."""

    root: str
    prefix: str

    @classmethod
    def of(cls, connector: str, base_url: str, key: str = "base_url") -> Origin:
        """Read an address of a job file (`key` names it there).

        Raises ConfigurationError, without showing it, where it is no safe place to send to.
        """
        try:
            url = httpx.URL(base_url.strip())
        except httpx.InvalidURL:
            raise ConfigurationError(f"{connector}: {key} is not an address") from None
        if url.scheme not in {"http", "https"} or not _HOST.fullmatch(url.raw_host.decode("ascii")):
            raise ConfigurationError(f"{connector}: {key} must begin with https:// and name a host")
        if url.userinfo or url.query or url.fragment:
            raise ConfigurationError(f"{connector}: {key} must carry neither credentials nor a query")
        if url.scheme == "http" and not _is_loopback(url.host):
            raise ConfigurationError(f"{connector}: {key} must be https:// (http:// is for this machine alone)")
        return cls(f"{url.scheme}://{url.netloc.decode('ascii')}", url.raw_path.decode("ascii").rstrip("/"))

    def holds(self, url: httpx.URL) -> bool:
        """Say whether an absolute address has exactly this scheme, host and port."""
        return f"{url.scheme}://{url.netloc.decode('ascii')}" == self.root and not url.userinfo


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take from connecting to the last byte, and how much it may answer, decoded."""

    timeout_seconds: float = 30.0
    body_bytes: int = 10 * _MIB


class PromptRequest(aiohttp.ClientRequest):
    """A request that goes out soon after it was made, or not at all."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._made_at = time.monotonic()

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Write it to the connection that was found for it; raises ClientConnectionError where that took too long."""
        if time.monotonic() - self._made_at > CONNECTING_SECONDS:
            raise aiohttp.ClientConnectionError
        return await super().send(conn)


class Transport(httpx.AsyncBaseTransport):
    """An httpx transport over one aiohttp session, with a short way (`exchange`) for requests sent by the thousand.

    httpx's own pool slows with the square of the requests in flight, and building httpx's request and response costs
    as much as sending; `exchange` does without both. The caller bounds how many are in flight. Proxies and
    certificates of the environment count only with `trust_env`; certificates are always verified. Only requests of
    httpx may go to `token_url` instead, where another server than the API's hands out tokens.
    """

    def __init__(
        self,
        connector: str,
        base_url: str,
        limits: Limits | None = None,
        *,
        token_url: str | None = None,
        trust_env: bool = False,
    ) -> None:
        self.connector = connector
        self.origin = Origin.of(connector, base_url)
        self._token_origin = self.origin if token_url is None else Origin.of(connector, token_url, "token_url")
        self.requests = 0
        self._limits = limits or Limits()
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None
        _silence_loggers()

    async def __aenter__(self) -> Self:
        secure = self.origin.root.startswith("https:")
        context = httpx.create_ssl_context(trust_env=self._trust_env) if secure else True
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            request_class=PromptRequest,
            timeout=aiohttp.ClientTimeout(total=None),  # one deadline, in `exchange`
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # aiohttp would decode without a limit
            trust_env=self._trust_env,
            headers={"User-Agent": _AGENT, "Accept": "application/json", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Send one request to a target of the API (path and query, already percent-encoded) and read its whole answer.

        Raises TransientError for silence, a broken connection or too long an answer, PermanentError where no secure
        connection can be made; both name the operation.
        """
        return await self._exchange(method, self.origin.root + target, headers, body, operation)

    async def _exchange(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        assert self._session is not None, "the transport is entered before it is used"
        self.requests += 1
        url = URL(address, encoded=True)  # as it stands: yarl would undo the %2F of a reference
        # An image: in pieces, because aiohttp warns of one that would keep the event loop busy while it is written.
        data = io.BytesIO(body) if body is not None and len(body) > _MIB else body
        try:
            async with (
                asyncio.timeout(self._limits.timeout_seconds),
                self._session.request(method, url, data=data, headers=headers, allow_redirects=False) as response,
            ):
                content = await self._read(response, operation)
                return Reply(response.status, response.headers, content)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise self._explain(error, operation) from None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request of httpx; its `operation` extension names it in errors."""
        origin = next((each for each in (self.origin, self._token_origin) if each.holds(request.url)), None)
        if origin is None:
            raise PermanentError(f"{self.connector}: refused to send a request to another origin")
        headers = {name: value for name, value in request.headers.items() if name not in _HOP_BY_HOP}
        operation = str(request.extensions.get("operation", request.method))
        target = request.url.raw_path.decode("ascii")
        body = await request.aread() or None
        if origin is self.origin:
            reply = await self.exchange(request.method, target, headers, body, operation)
        else:
            reply = await self._exchange(request.method, origin.root + target, headers, body, operation)
        shown = [(name, value) for name, value in reply.headers.items() if name.lower() != "content-encoding"]
        return httpx.Response(reply.status, headers=shown, content=reply.body, request=request)

    async def _read(self, response: aiohttp.ClientResponse, operation: str) -> bytes:
        cap = self._limits.body_bytes
        chunks = bytearray()
        async for chunk in response.content.iter_any():
            chunks += chunk
            if len(chunks) > cap:
                raise self._oversize(operation)
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        return bytes(chunks) if encoding == "identity" else self._decode(bytes(chunks), encoding, operation)

    def _decode(self, body: bytes, encoding: str, operation: str) -> bytes:
        """Undo an encoding that was not asked for, byte-limited: 200 KB of gzip can hold 200 MB."""
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            raise PermanentError(
                f"{self.connector}: {operation}: the answer is encoded in a way that was not asked for"
            )
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its header
        try:
            decoded = decoder.decompress(body, self._limits.body_bytes + 1)
        except zlib.error:
            raise TransientError(f"{self.connector}: {operation}: the answer could not be decoded") from None
        if len(decoded) > self._limits.body_bytes:
            raise self._oversize(operation)
        return decoded

    def _oversize(self, operation: str) -> OversizeError:
        return OversizeError(f"{self.connector}: {operation}: the answer exceeds {self._limits.body_bytes} bytes")

    def _explain(self, error: Exception, operation: str) -> ConnectorError:
        """Say in our own words what went wrong: the library's carry addresses."""
        where = f"{self.connector}: {operation}"
        match error:
            case aiohttp.ClientSSLError():
                return PermanentError(f"{where}: no secure connection (certificate or TLS version refused)")
            case aiohttp.ClientConnectorError():
                return TransientError(f"{where}: no connection")
            case TimeoutError():
                return TransientError(f"{where}: no answer within {self._limits.timeout_seconds:g} s")
            case aiohttp.ClientPayloadError():
                return TransientError(f"{where}: the answer broke off")
            case aiohttp.ClientResponseError():
                return TransientError(f"{where}: the answer is not HTTP")
            case _:
                return TransientError(f"{where}: the connection was dropped")


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Read how many seconds the system asks us to wait, from `Retry-After` as a number or as an HTTP date.

    A date counts from the answer's own `Date`, so that clocks need not agree, else from `now` (seconds since 1970).
    None where the header is missing or means nothing; never negative.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    due = _moment(text)
    if due is None:
        return None
    answered = _moment(headers.get("Date", ""))
    start = answered if answered is not None else now if now is not None else time.time()
    return max(0.0, due - start)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Read when the server answered, by its own clock, in whole seconds as HTTP tells it."""
    try:
        moment = parsedate_to_datetime(headers.get("Date", ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _silence_loggers() -> None:
    """Keep libraries from logging addresses: httpx writes every URL, reference included, at INFO."""
    for name in _CHATTY:
        logger = logging.getLogger(name)
        if logger.getEffectiveLevel() < logging.WARNING:
            logger.setLevel(logging.WARNING)
