"""The sandbox on a real socket: what only a real connection can show."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Forced, Strike
from connectors.sandbox.server import running, serve
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.connectors.sandbox.caller import CUSTOMERS, LOGIN


@dataclass(frozen=True)
class Served:
    """A running sandbox and a client that is logged in."""

    app: SandboxApp
    client: httpx.Client

    def upsert(self, reference: str = "C-1", name: str = "Ada") -> httpx.Response:
        """Upsert one customer."""
        return self.client.post(f"{CUSTOMERS}/reference/{reference}", data={"name": name})


@pytest.fixture(scope="module")
def base() -> Iterator[tuple[SandboxApp, str]]:
    """Serve one sandbox for all tests of this file."""
    app = valomnia_app()
    with running(app) as url:
        yield app, url


@pytest.fixture
def served(base: tuple[SandboxApp, str]) -> Iterator[Served]:
    """Give a clean sandbox and a client for it."""
    app, url = base
    app.reset()
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.post("/j_spring_security_check", data=LOGIN)
        yield Served(app, client)


def _count(served: Served) -> int:
    return len(served.app.vendor.customers(""))


def test_served_on_the_loopback_interface(served: Served) -> None:
    """The base URL is 127.0.0.1 with a port, and answers."""
    assert str(served.client.base_url).startswith("http://127.0.0.1:")
    assert served.upsert().status_code == 201


def test_login_location_is_on_the_same_origin(served: Served) -> None:
    """The login leads back to the address that was called."""
    answer = served.client.post("/j_spring_security_check", data=LOGIN)
    assert answer.headers["location"] == str(served.client.base_url.join("/login/ajaxSuccess"))


def test_raw_path_reaches_the_customer(served: Served) -> None:
    """An encoded slash and an encoded umlaut survive the server."""
    assert served.upsert("a%2Fb%C3%A9").json()["reference"] == "a/bé"


@pytest.mark.parametrize(("after_commit", "count"), [(False, 0), (True, 1)])
@pytest.mark.parametrize(("kind", "error"), [("drop", httpx.RemoteProtocolError), ("reset", httpx.ReadError)])
def test_connection_is_really_lost(
    served: Served,
    kind: Any,
    error: type[Exception],
    after_commit: bool,  # noqa: FBT001 - a parameter of the test
    count: int,
) -> None:
    """The client sees the connection closed or reset without an answer, before or after the commit."""
    served.app.faults = Faults(strikes=(Strike(kind=kind, next=1, after_commit=after_commit),))
    with pytest.raises(error):
        served.upsert()
    assert _count(served) == count
    assert served.upsert().status_code == (200 if after_commit else 201)


def test_forced_drop_is_really_lost(served: Served) -> None:
    """A customer whose requests are dropped never gets an answer, while others do."""
    served.app.faults = Faults(forced={"C-13": Forced(drop=True)})
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            served.upsert("C-13")
    assert served.upsert("C-14").status_code == 201


def test_truncated_body_breaks_off(served: Served) -> None:
    """Half of the body comes, then the end of the connection; the customer is written."""
    served.app.faults = Faults(strikes=(Strike(kind="truncate", next=1),))
    received: list[bytes] = []
    request = served.client.build_request("POST", f"{CUSTOMERS}/reference/C-1", data={"name": "Ada"})
    answer = served.client.send(request, stream=True)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        received.extend(answer.iter_bytes())
    assert answer.status_code == 201
    assert sum(map(len, received)) == int(answer.headers["content-length"]) // 2
    assert _count(served) == 1


def test_hung_request_gets_nothing_until_the_client_leaves(served: Served) -> None:
    """A request that hangs runs into the client's own deadline."""
    served.app.faults = Faults(strikes=(Strike(kind="hang", next=1),))
    with pytest.raises(httpx.ReadTimeout):
        served.client.get(CUSTOMERS, timeout=0.1)
    assert served.client.get(CUSTOMERS).status_code == 200


def test_broken_connections_leave_no_log(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Breaking a connection is no error of the server, and nothing is logged."""
    served.app.faults = Faults(strikes=(Strike(kind="drop", next=1), Strike(kind="truncate", next=1)))
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            served.upsert()
    assert served.upsert().status_code == 200
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_requests_in_flight_are_counted(served: Served) -> None:
    """Requests that wait at the same time are seen as such in the journal."""
    served.app.faults = Faults(latency_ms=50)

    async def send_all() -> None:
        async with httpx.AsyncClient(
            base_url=served.client.base_url, cookies=served.client.cookies, trust_env=False
        ) as client:
            await asyncio.gather(*(client.get(CUSTOMERS) for _ in range(8)))

    asyncio.run(send_all())
    assert served.client.get("/sandbox/status").json()["most_in_flight"] == 8


def test_answers_are_not_held_back(served: Served) -> None:
    """Twenty requests one after another take nowhere near the 40 ms each of Nagle's algorithm."""
    served.upsert()
    start = time.perf_counter()
    for _ in range(20):
        served.upsert()
    assert time.perf_counter() - start < 20 * 0.04 / 2


def test_client_that_leaves_within_its_request_changes_nothing(served: Served) -> None:
    """A request whose body never came to its end is not carried out, and the next one is."""
    port = served.client.base_url.port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /api/v2.1/customers/reference/C-1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nname=A"
        )
    assert served.upsert("C-2").status_code == 201
    assert [entry.reference for entry in served.app.journal.entries] == [None, "C-2"]


@pytest.mark.parametrize("faults", [Faults(strikes=(Strike(kind="hang", probability=1),)), Faults(latency_ms=60_000)])
def test_sandbox_leaves_nothing_behind(faults: Faults, caplog: pytest.LogCaptureFixture) -> None:
    """After the block the port is closed, the thread gone and nothing logged, even with a request that waits."""
    before = threading.active_count()
    app = valomnia_app(faults=faults)
    with contextlib.ExitStack() as stack:
        with running(app) as url:
            port = httpx.URL(url).port
            assert port is not None
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(b"GET /api/v2.1/customers HTTP/1.1\r\nHost: x\r\n\r\n")
            while httpx.get(f"{url}/sandbox/status", trust_env=False).json()["in_flight"] == 0:
                pass
        assert client.recv(1) == b""
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    gc.collect()  # a socket or loop left open would warn here, and warnings are errors
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_taken_port_is_an_error() -> None:
    """A port in use is told at once, in a thread as well as in the foreground."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OSError, match="in use"), running(valomnia_app(), port):
            pass
        with pytest.raises(OSError, match="in use"):
            serve(valomnia_app(), port, announce=lambda _url: None)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start a sandbox as a process of its own, with a journal on disk."""
    journal = tmp_path / "journal.jsonl"
    options = ["--port", "0", "--latency", "2", "--journal", str(journal), "--faults", '{"rate_limit": 500}']
    command = [sys.executable, "-m", "connectors.sandbox", "valomnia", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as started:
        try:
            yield started, journal
        finally:
            started.kill()


def test_process_announces_itself_serves_and_ends(process: tuple[subprocess.Popen[str], Path]) -> None:
    """The first line is the base URL, options become faults, each request is on disk, SIGINT ends it without a word."""
    started, journal = process
    assert started.stdout is not None
    url = started.stdout.readline().strip()
    with httpx.Client(base_url=url, trust_env=False) as client:
        client.post("/j_spring_security_check", data=LOGIN)
        assert client.post(f"{CUSTOMERS}/reference/C-1", data={"name": "Ada"}).status_code == 201
        faults = client.get("/sandbox/faults").json()
        assert (faults["latency_ms"], faults["rate_limit"]) == (2, 500)
        assert len(journal.read_text().splitlines()) == 2
    started.send_signal(2)
    assert started.wait(10) == 0
    assert started.stdout.read() == ""


@pytest.mark.parametrize("options", [["--faults", "{latency}"], ["--faults", '{"latency": 1}'], ["--rate-limit", "-1"]])
def test_process_refuses_wrong_options(options: list[str]) -> None:
    """A wrong option ends the process with code 2 and a message, before anything is served."""
    command = [sys.executable, "-m", "connectors.sandbox", "valomnia", *options]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "error:" in ended.stderr
    assert "Traceback" not in ended.stderr
