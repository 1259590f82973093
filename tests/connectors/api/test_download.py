"""Fetching an image from a host on this machine: what is taken, what is refused by code, and what is never sent."""

from __future__ import annotations

import asyncio

import pytest
from yarl import URL

from connectors.api.body import UnsendableError
from connectors.api.download import Downloads
from connectors.api.transport import Limits
from connectors.protocol import Refusal
from connectors.retry import Retry
from tests.images import GIF, image_host

QUICK = Retry(tries=3, first_seconds=0.001)


def fetch(address: str, *, limit: int = 1000) -> bytes:
    """Fetch as a target does."""

    async def work() -> bytes:
        async with Downloads("valomnia", Limits(timeout_seconds=2, body_bytes=limit), retry=QUICK) as downloads:
            return await downloads.fetch(URL(address), "imageFile")

    return asyncio.run(work())


def refused(address: str, *, limit: int = 1000) -> Refusal:
    """Fetch what cannot be had; gives the refusal."""
    with pytest.raises(UnsendableError) as caught:
        fetch(address, limit=limit)
    assert address.partition("://")[2] not in str(caught.value)
    return caught.value.refusal


def test_an_image_is_fetched_as_it_is() -> None:
    """Path and query go out as they are written, and nothing that proves who we are."""
    with image_host(**{"a b.gif": GIF}) as host:
        assert fetch(f"{host.url}/a%20b.gif?size=1") == GIF
        ((path, headers),) = host.asked
    assert path == "/a b.gif"
    assert headers.keys() == {"host", "user-agent", "accept", "accept-encoding"}


@pytest.mark.parametrize(
    ("statuses", "limit", "code", "requests"),
    [
        ([404], 1000, "missing_file", 1),
        ([410], 1000, "missing_file", 1),
        ([403], 1000, "unreadable_file", 1),
        ([302], 1000, "unreadable_file", 1),
        ([503, 503, 503], 1000, "unreadable_file", 3),
        ([429, 500, 502], 1000, "unreadable_file", 3),
        ([], len(GIF) - 1, "exceeded_file_size", 1),
    ],
)
def test_what_cannot_be_had_is_the_customers_matter(statuses: list[int], limit: int, code: str, requests: int) -> None:
    """Each has a code; what may pass is asked for three times, and a redirect is not followed."""
    with image_host(logo=GIF) as host:
        host.statuses["/logo"] = list(statuses)
        found = refused(f"{host.url}/logo", limit=limit)
        assert (found.code, found.field) == (code, "imageFile")
        assert [path for path, _ in host.asked] == ["/logo"] * requests


def test_a_host_in_trouble_is_asked_again() -> None:
    """Until it answers."""
    with image_host(logo=GIF) as host:
        host.statuses["/logo"] = [503, 429]
        assert fetch(f"{host.url}/logo") == GIF


def test_a_host_that_is_gone() -> None:
    """It is no matter of the target's, and the run goes on."""
    with image_host() as host:
        address = f"{host.url}/logo"
    assert refused(address).code == "unreadable_file"
