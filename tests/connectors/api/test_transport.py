"""The transport against raw sockets that are slow, rude, endless or in disguise."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import connectors.api.transport
from connectors.api.transport import Limits, Origin, Reply, Transport, retry_after
from connectors.protocol import AnsweredError, ConfigurationError, PermanentError, TransientError

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def answering(*chunks: bytes, seen: list[bytes] | None = None) -> Serve:
    """Serve a fixed answer to each request of a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            if seen is not None:
                seen.append(head + body)
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()

    return serve


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Run a raw server and yield its address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"{'https' if context else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()


def exchange(
    serve: Serve,
    limits: Limits | None = None,
    *,
    context: ssl.SSLContext | None = None,
    target: str = "/customers/C-canary",
    body: bytes | None = b"name=canary",
) -> Reply:
    """Send one request to a raw server."""

    async def main() -> Reply:
        async with serving(serve, context) as url, Transport("fake", url, limits) as transport:
            return await transport.exchange("POST", target, {"X-Token": "canary"}, body, "upsert")

    return asyncio.run(asyncio.wait_for(main(), 2))  # a TimeoutError is no TransientError


def test_a_request_arrives_as_it_was_given() -> None:
    """Target, headers and body go out byte by byte, and the answer comes back whole."""
    seen: list[bytes] = []

    reply = exchange(answering(OK, seen=seen), target="/a%2Fb/%2e%2E/%3F%23/%C3%A4%20+~?x=%2f")

    assert (reply.status, reply.body, reply.headers["content-type"]) == (200, b"{}", "application/json")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%2Fb/%2e%2E/%3F%23/%C3%A4%20+~?x=%2f HTTP/1.1\r\n")
    assert b"Accept-Encoding: identity" in head
    assert b"X-Token: canary" in head
    assert body == b"name=canary"


def test_a_large_body_is_sent_without_holding_up_the_loop() -> None:
    """A body the size of an image arrives whole, and aiohttp has nothing to warn of."""
    seen: list[bytes] = []
    body = bytes(range(256)) * 8 * 1024

    exchange(answering(OK, seen=seen), body=body)

    assert seen[0].endswith(b"\r\n\r\n" + body)
    assert b"Content-Length: %d" % len(body) in seen[0]


def test_httpx_goes_the_same_way() -> None:
    """An ordinary httpx client over the transport sends and reads the same bytes, repeated headers included."""
    seen: list[bytes] = []
    answer = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"

    async def main() -> httpx.Response:
        async with (
            serving(answering(answer, seen=seen)) as url,
            httpx.AsyncClient(transport=Transport("fake", url), base_url=url) as client,
        ):
            return await client.post("/a%2Fb", data={"x": "ä"})

    response = asyncio.run(main())

    assert (response.status_code, response.headers.get_list("set-cookie")) == (302, ["a=1", "b=2"])
    assert len(seen) == 1
    assert seen[0].startswith(b"POST /a%2Fb HTTP/1.1\r\n")
    assert seen[0].lower().count(b"\r\nhost:") == seen[0].lower().count(b"\r\ncontent-length:") == 1
    assert seen[0].endswith(b"\r\n\r\nx=%C3%A4")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://elsewhere.example/x", "https://{host}/x"])
def test_no_request_leaves_the_origin(url: str) -> None:
    """Another port, host or scheme is refused before anything is sent."""
    seen: list[bytes] = []

    async def main() -> None:
        async with (
            serving(answering(OK, seen=seen)) as here,
            httpx.AsyncClient(transport=Transport("fake", here)) as client,
        ):
            await client.get(url.format(host=here.removeprefix("http://")))

    with pytest.raises(PermanentError, match="another origin"):
        asyncio.run(main())
    assert seen == []


async def _drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


async def _close(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:  # each read gets a byte in time: only a deadline for the whole request ends this
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (_drop, "the connection was dropped"),
        (_close, "the connection was dropped"),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", b""), "no answer within 0.1 s"),
        (_hang, "no answer within 0.1 s"),
        (answering(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "the answer is not HTTP"),
        (answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10**5 + b"\r\n\r\n"), "the answer is not HTTP"),
    ],
)
def test_silence_and_rudeness_are_transient_and_told_without_an_address(serve: Serve, words: str) -> None:
    """Dropped, unfinished, slow and meaningless answers may pass; their text holds no address, header or body."""
    with pytest.raises(TransientError) as caught:
        exchange(serve, Limits(timeout_seconds=0.1))
    assert str(caught.value) == f"fake: upsert: {words}"
    assert not isinstance(caught.value, AnsweredError)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_an_answer_that_breaks_off_is_transient() -> None:
    """A connection closed before the promised length is no answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": 1}')

    with pytest.raises(TransientError, match="fake: upsert: the answer broke off"):
        exchange(serve)


def test_nobody_listening_is_transient() -> None:
    """A refused connection may pass."""

    async def main() -> None:
        async with serving(answering(OK)) as url:
            pass
        async with Transport("fake", url) as transport:
            await transport.exchange("GET", "/", {}, None, "look-up")

    with pytest.raises(TransientError, match="fake: look-up: no connection"):
        asyncio.run(main())


def test_a_request_that_was_frozen_while_it_connected_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """What allowed it may have passed meanwhile: not a byte of it goes out."""
    got = bytearray()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        got.extend(await reader.read(1))

    monkeypatch.setattr(connectors.api.transport, "CONNECTING_SECONDS", 0.0)
    with pytest.raises(TransientError, match="fake: upsert: the connection was dropped"):
        exchange(serve)
    assert not got


def _chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(*[b"x" * 100] * 11),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
        % (len(gzip.compress(bytes(10**6))), gzip.compress(bytes(10**6))),
    ],
)
def test_a_body_beyond_the_cap_is_cut_short(answer: bytes) -> None:
    """Declared, chunked or compressed: what decodes to more than the cap is not read on."""
    with pytest.raises(TransientError, match="fake: upsert: the answer exceeds 1000 bytes"):
        exchange(answering(answer), Limits(body_bytes=1000))


def test_a_body_of_just_the_cap_is_read() -> None:
    """The cap itself is still allowed."""
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(*[b"x" * 100] * 10)

    assert exchange(answering(answer), Limits(body_bytes=1000)).body == b"x" * 1000


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress(b"{}", mtime=0)), ("deflate", zlib.compress(b"{}"))]
)
def test_an_encoding_that_was_not_asked_for_is_undone(encoding: str, packed: bytes) -> None:
    """Servers that compress whatever they are told are understood, by httpx as well."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        encoding.encode(),
        len(packed),
        packed,
    )

    async def main() -> bytes:
        async with (
            serving(answering(answer)) as url,
            httpx.AsyncClient(transport=Transport("fake", url)) as client,
        ):
            return (await client.get(url)).content

    assert exchange(answering(answer)).body == b"{}"
    assert asyncio.run(main()) == b"{}"


@pytest.mark.parametrize(
    ("encoding", "kind", "words"),
    [(b"br", PermanentError, "was not asked for"), (b"gzip", TransientError, "could not be decoded")],
)
def test_what_cannot_be_decoded_is_an_error(encoding: bytes, kind: type[Exception], words: str) -> None:
    """An encoding beyond gzip and deflate is for a person to look at; broken bytes may pass."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: " + encoding + b"\r\nContent-Length: 4\r\n\r\nabcd"

    with pytest.raises(kind, match=words):
        exchange(answering(answer))


def _certificate(folder: Path) -> ssl.SSLContext:
    """Make a server context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_x17_a_certificate_that_nobody_vouches_for_stops_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates are verified, by our own list: not even the environment can vouch unless it is asked."""
    context = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    seen: list[bytes] = []

    with pytest.raises(PermanentError, match="fake: upsert: no secure connection"):
        exchange(answering(OK, seen=seen), context=context)
    assert seen == []


def test_the_environment_vouches_and_forwards_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `trust_env` the environment's certificates count, and without it its proxies do not."""
    context = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async def main() -> int:
        async with serving(answering(OK), context) as url, Transport("fake", url, trust_env=True) as transport:
            return (await transport.exchange("GET", "/", {}, None, "look-up")).status

    assert asyncio.run(main()) == 200
    monkeypatch.delenv("NO_PROXY")
    assert exchange(answering(OK)).status == 200


@pytest.mark.parametrize(
    ("url", "root", "prefix"),
    [
        ("https://acme.valomnia.com", "https://acme.valomnia.com", ""),
        ("https://acme.valomnia.com/", "https://acme.valomnia.com", ""),
        ("https://ACME.valomnia.com:443", "https://acme.valomnia.com", ""),
        ("https://acme.valomnia.com:8443/erp/", "https://acme.valomnia.com:8443", "/erp"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", ""),
        ("http://localhost", "http://localhost", ""),
        ("http://[::1]:8000", "http://[::1]:8000", ""),
        ("https://bücher.example", "https://xn--bcher-kva.example", ""),
    ],
)
def test_an_origin_is_read_from_its_address(url: str, root: str, prefix: str) -> None:
    """Scheme, host and port are the origin; a path goes before every target."""
    assert Origin.of("fake", url) == Origin(root, prefix)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.valomnia.com",
        "ftp://canary.example",
        "http://canary.example",
        "http://127.0.0.1.canary.example",
        "http://10.0.0.1",
        "https://canary:pw@acme.example",
        "https://acme.example?token=canary",
        "https://acme.example#canary",
        "https://[canary",
        "https://",
    ],
)
def test_an_address_that_is_no_safe_origin_is_refused_without_showing_it(url: str) -> None:
    """Plain http elsewhere, credentials, queries and what is no address stop the job, and are not repeated."""
    with pytest.raises(ConfigurationError, match=r"^fake: base_url") as caught:
        Origin.of("fake", url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "99999999999999"}, 999999999.0),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "later"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "Thu, 01 Jan 1970 00:20:00 GMT"}, 200.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:20:00 GMT", "Date": "Thu, 01 Jan 1970 00:19:00 GMT"}, 60.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:20:00 GMT", "Date": "rubbish"}, 200.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
def test_retry_after_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds or a date, from the answer's own clock where it shows it; garbage is no wish."""
    assert retry_after(headers, now=1000.0) == seconds


def test_x03_x28_no_library_logs_addresses(caplog: pytest.LogCaptureFixture) -> None:
    """Even where everything else is logged, the HTTP libraries keep addresses to themselves."""
    loggers = [
        logging.getLogger(name) for name in ("httpx", "httpcore", "aiohttp", "httpcore.http11", "aiohttp.client")
    ]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers[:3]:
            logger.setLevel(logging.DEBUG)

        async def main() -> None:
            async with (
                serving(answering(OK)) as url,
                httpx.AsyncClient(transport=Transport("fake", url)) as client,
            ):
                await client.get(f"{url}/customers/C-canary")

        with caplog.at_level(logging.DEBUG):
            asyncio.run(main())
        assert {logger.getEffectiveLevel() for logger in loggers} == {logging.WARNING}
        assert "canary" not in caplog.text
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def test_requests_are_counted_whether_answered_or_not() -> None:
    """The transport counts what it sent."""

    async def main() -> int:
        async with serving(_drop) as url, Transport("fake", url) as transport:
            for _ in range(3):
                with pytest.raises(TransientError):
                    await transport.exchange("POST", "/", {}, b"", "upsert")
            return transport.requests

    assert asyncio.run(main()) == 3
