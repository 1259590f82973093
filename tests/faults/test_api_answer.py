"""Answers of an API source that come late, broken, too large or from elsewhere (FAULTS.md E16 to E19, X07, X11)."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.protocol import BrokenSourceError, CredentialsError, PermanentError, UnavailableError
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.exchange import Receive, Scope, Send, gzip_bomb
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import App
from tests.faults.api import Api, count, serving, shown

MIB = 1024 * 1024


@pytest.fixture
def api() -> Iterator[Api]:
    """Give a sandbox of 250 customers with a source on it."""
    with serving() as served:
        served.seed(250)
        yield served


@pytest.mark.parametrize("kind", ["truncate", "html", "empty", "drop", "reset", "error"])
def test_e16_a_broken_answer_is_asked_for_again(api: Api, kind: str) -> None:
    """A cut body, a page of HTML with 200 and the like cost another request, and nothing of them is used."""
    api.strike(kind, skip=2, next=2)
    pages = list(api.source.pages(None, 1000))
    assert shown(pages) == api.held()
    assert count(pages) == 250
    # Of a kept connection that just closes, the HTTP library takes one more chance by itself, once.
    assert len(api.naps) == (1 if kind in {"drop", "reset"} else 2)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("truncate", UnavailableError), ("html", BrokenSourceError), ("empty", BrokenSourceError)],
)
def test_e16_an_answer_that_stays_broken(api: Api, kind: str, error: type[PermanentError]) -> None:
    """After six requests for the same page the run ends, with nothing of that page."""
    api.strike(kind, skip=3)
    pages = api.source.pages(None, 50)
    assert [page.counted for page in islice(pages, 1)] == [50]
    with pytest.raises(error, match=r"valomnia: list: .*\(6 requests\)"):
        list(pages)
    assert len(api.naps) == 5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"paging": {"total": 1, "max": 100, "next": nu', "no list"),
        (b"[]", "no list"),
        (b'{"paging": {"total": 0, "max": 100, "next": null}}', "no list"),
        (b'{"paging": {"total": "3", "max": 100, "next": null}, "data": []}', "no list"),
        (b'{"paging": {"total": 1, "max": 100, "next": 7}, "data": [{}]}', "no list"),
        (b'{"paging": {"total": 1, "max": 100, "next": null}, "data": ["C-1"]}', "no list of customers"),
        (b'{"paging": {"total": 1, "max": 100, "next": null}, "data": [{"id": NaN}]}', "no list"),
        (b"[" * 100_000, "no list"),
    ],
)
def test_e16_json_of_another_shape(api: Api, body: bytes, said: str) -> None:
    """JSON that is cut, or says something else than a list of customers, is nothing that can be used."""
    api.transport.spoil = lambda reply: replace(reply, body=body)
    with pytest.raises(BrokenSourceError, match=said):
        list(api.source.pages(None, 1000))


@pytest.mark.parametrize(
    ("header", "least"),
    [("7", 7.0), ("date", 7.0), ("soon", 0.0), (None, 0.0), ("-3", 0.0), ("900", 900.0)],
)
def test_e17_a_429_is_waited_for(api: Api, header: str | None, least: float) -> None:
    """`Retry-After` as seconds and as a date is kept to; nonsense and none mean a pause of our own."""
    if header == "date":
        header = format_datetime(api.time.now() + timedelta(seconds=7), usegmt=True)
    api.strike("error", status=429, retry_after=header, skip=1, next=1)
    assert count(list(api.source.pages(None, 1000))) == 250
    assert len(api.naps) == 1
    assert least <= api.naps[0] <= least + 0.5


def test_e17_a_429_for_a_day(api: Api) -> None:
    """Nobody waits longer than a quarter of an hour: the run ends by name, and the next one completes."""
    api.strike("error", status=429, retry_after="86400")
    with pytest.raises(UnavailableError, match=r"status 429 \(rate limit\): it asks us to wait for 86400 s"):
        list(api.source.pages(None, 1000))
    assert api.naps == []
    api.heal()
    assert count(list(api.source.pages(None, 1000))) == 250


def test_e17_a_429_for_ever(api: Api) -> None:
    """It ends after six requests."""
    api.app.faults = Faults(rate_limit=0, retry_after="seconds", retry_after_seconds=3)
    with pytest.raises(UnavailableError, match=r"rate limit\) \(6 requests\)"):
        list(api.source.pages(None, 1000))
    assert api.transport.lists == 6
    assert min(api.naps) >= 3


def test_e18_five_failures_and_then_an_answer(api: Api) -> None:
    """The sixth request for a page may still succeed; pauses are random below a bound that doubles."""
    api.strike("error", next=5)
    assert count(list(api.source.pages(None, 1000))) == 250
    assert len(api.naps) == 5
    assert all(nap <= 0.5 * 2**turn for turn, nap in enumerate(api.naps))


def test_e18_failures_for_ever(api: Api) -> None:
    """503 for ever ends after six requests for the page."""
    api.strike("error")
    with pytest.raises(UnavailableError, match=r"valomnia: list: status 503 \(6 requests\)"):
        list(api.source.pages(None, 1000))
    assert api.transport.lists == 6


def test_e18_while_signing_in() -> None:
    """Signing in is tried as often, and then the system is unavailable."""
    with serving(opened=False) as api:
        api.app.faults = Faults(strikes=({"kind": "error", "probability": 1.0},), strike_login=True)  # type: ignore[arg-type]  # pydantic reads it
        with pytest.raises(UnavailableError, match=r"login: status 503 \(6 requests\)"):
            api.source.open()
        assert len(api.naps) == 5


def test_refused_credentials_are_offered_once() -> None:
    """A wrong password is no matter of patience."""
    with serving(opened=False) as api:
        api.app.faults = Faults(refuse_credentials=401)
        before = api.requests("j_spring_security_check")
        with pytest.raises(CredentialsError):
            api.source.open()
        assert api.requests("j_spring_security_check") - before == 1


def test_e19_a_byte_at_a_time() -> None:
    """A server that drips keeps no request longer than its deadline, however often a byte comes."""
    with serving(timeout="500ms") as api:
        api.seed(3)
        api.strike("drip", skip=1)
        pages = api.source.pages(None, 1000)
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"no answer within 0.5 s \(6 requests\)"):
            list(pages)
        assert 6 * 0.5 <= time.monotonic() - began <= 6 * 0.5 + 1


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost:{port}/api/v2.1/customers?offset=100",
        "http://127.0.0.1:1/api/v2.1/customers?offset=100",
        "http://127.0.0.1/api/v2.1/customers?offset=100",
        "https://127.0.0.1:{port}/api/v2.1/customers?offset=100",
        "http://ann:secret@127.0.0.1:{port}/api/v2.1/customers?offset=100",
        "http://169.254.169.254/latest/meta-data",
        "http://2130706433:{port}/api/v2.1/customers",
        "//elsewhere.invalid/api/v2.1/customers",
        "HTTP://ELSEWHERE.invalid:{port}/",
        "ftp://127.0.0.1:{port}/",
        "http://[broken/",
    ],
)
def test_x07_next_leads_elsewhere(api: Api, target: str) -> None:
    """A list whose next page would be of another origin is no list of ours; nobody is asked for anything there."""
    port = str(urlsplit(api.transport.origin.root).port)
    api.strike("next", location=target.format(port=port))
    with pytest.raises(BrokenSourceError, match=r"paging\.next leads to another origin") as caught:
        list(api.source.pages(None, 1000))
    assert target not in str(caught.value)
    assert api.transport.lists == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST"])
def test_x07_next_leads_home(host: str) -> None:
    """An absolute link to our own origin is taken, in whatever case the host is written, and not followed either."""
    with serving() as api:
        api.seed(250)
        root = api.transport.origin.root
        api.transport.origin = replace(api.transport.origin, root=root.replace("127.0.0.1", host.lower()))
        api.source._client.origin = api.transport.origin
        port = urlsplit(root).port
        api.strike("next", location=f"http://{host}:{port}/never/asked/for", next=3)
        assert count(list(api.source.pages(None, 1000))) == 250
        assert api.requests("never") == 0


def test_x07_a_redirect_is_not_followed(api: Api) -> None:
    """A redirect in the middle of the list ends the run."""
    api.strike("redirect", skip=2, location="http://127.0.0.1:1/")
    with pytest.raises(BrokenSourceError, match="status 302"):
        list(api.source.pages(None, 1000))
    assert api.naps == []


def test_x11_a_gzip_bomb(api: Api) -> None:
    """200 KB that unpack to 200 MB are unpacked to the cap of 10 MiB and no further."""
    assert len(gzip_bomb()) < MIB
    api.strike("bomb", skip=1)
    tracemalloc.start()
    try:
        with pytest.raises(UnavailableError, match="exceeds 10485760 bytes"):
            list(api.source.pages(None, 1000))
        assert tracemalloc.get_traced_memory()[1] < 60 * MIB
    finally:
        tracemalloc.stop()


class Recoded:
    """The sandbox, its lists said to be packed in a way that nobody asked for."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self.coding: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the sandbox does, with a header more."""

        async def recode(message: Any) -> None:
            if message["type"] == "http.response.start" and self.coding and scope["path"].endswith("/customers"):
                message["headers"] = [*message["headers"], (b"content-encoding", self.coding)]
            await send(message)

        await self.app(scope, receive, recode)


@pytest.mark.parametrize("coding", [b"zstd", b"br", b"gzip, gzip"])
def test_x11_codings_that_nobody_asked_for(coding: bytes) -> None:
    """Answers packed otherwise, or twice, are not unpacked at all."""
    wrapped: list[Recoded] = []

    def wrap(app: SandboxApp) -> App:
        wrapped.append(Recoded(app))
        return wrapped[0]

    with serving(wrap=wrap) as api:
        api.seed(3)
        wrapped[0].coding = coding
        with pytest.raises(BrokenSourceError, match="encoded in a way that was not asked for"):
            list(api.source.pages(None, 1000))
