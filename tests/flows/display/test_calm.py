"""What Prefect does in a process of ours while its server is away, or has forgotten: it neither gives up nor shouts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from flows.display.calm import ask_again
from tests.flows.command import start_python
from tests.flows.display.server import quiet

# A run whose place among the deployment's runs cannot be claimed again.
PLACELESS = """
import asyncio, threading, uuid
from flows.display.calm import keep_calm
from prefect.concurrency._leases import amaintain_concurrency_lease

async def work():
    keep_calm()
    async with amaintain_concurrency_lease(uuid.uuid4(), 300, raise_on_lease_renewal_failure=True):
        while any(each.name.startswith("concurrency-lease-renewal") for each in threading.enumerate()):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        print("the work goes on")

asyncio.run(work())
"""


def test_o15_a_place_that_is_lost(tmp_path: Path) -> None:
    """A run that cannot keep its place, the server being away or started again, is not called off, and says nothing."""
    away = {**quiet(tmp_path / "prefect"), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    said = start_python(PLACELESS, environment=away, cwd=tmp_path)
    assert (said.code, said.out, said.err) == (0, "the work goes on\n", "")


def test_what_asks_the_server_again_and_again(capfd: pytest.CaptureFixture[str]) -> None:
    """However often the server cannot be reached, it is asked again, silently; a refusal is raised."""
    request = httpx.Request("GET", "http://127.0.0.1:9")
    asked: list[Exception] = [
        *[httpx.ConnectError("away", request=request)] * 20,
        httpx.HTTPStatusError("busy", request=request, response=httpx.Response(503)),
        httpx.HTTPStatusError("no", request=request, response=httpx.Response(403)),
    ]

    async def ask() -> None:
        raise asked.pop(0)

    with pytest.raises(httpx.HTTPStatusError, match="no"):
        asyncio.run(ask_again(ask, 0, jitter_range=0.3))
    assert asked == []
    assert capfd.readouterr() == ("", "")
