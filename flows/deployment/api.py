"""Reaches Prefect's API, and tells its failures without a password or an address that holds one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flows.document import JobError

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

_NO_API = """no Prefect API is set up. Start a server and name it:
  prefect server start
  export PREFECT_API_URL=http://127.0.0.1:4200/api"""


class ApiError(Exception):
    """Prefect's API does not answer, or refuses; the text is safe to show."""


def demand_api(environment: Mapping[str, str]) -> None:
    """Raise JobError, with advice, where no Prefect API is named by environment or profile."""
    from flows.shell import prefect_is_configured

    if not prefect_is_configured(environment):
        raise JobError(_NO_API)


def api_address() -> str:
    """Tell where Prefect's API is, without credentials."""
    from prefect.settings import get_current_settings

    parts = urlsplit(str(get_current_settings().api.url))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def ui_address() -> str:
    """Tell where people look at what was deployed, without credentials."""
    from prefect.settings import get_current_settings

    shown = str(get_current_settings().ui_url or api_address().removesuffix("/api"))
    parts = urlsplit(shown)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@asynccontextmanager
async def connected() -> AsyncIterator[PrefectClient]:
    """Open a client of an API that answers; raises ApiError where it does not, or refuses what is asked of it."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    async with get_client() as client:
        if (trouble := await client.api_healthcheck()) is not None:
            raise ApiError(f"Prefect's API at {api_address()} does not answer ({type(trouble).__name__})")
        try:
            yield client
        except PrefectHTTPStatusError as error:
            status = error.response.status_code
            advice = "; look at PREFECT_API_AUTH_STRING or PREFECT_API_KEY" if status in {401, 403} else ""
            path = error.request.url.path
            raise ApiError(f"Prefect's API at {api_address()} refused {path} with status {status}{advice}") from None
        except Exception as error:
            if not _is_lost_connection(error):
                raise
            name = type(error).__name__
            raise ApiError(f"the connection to Prefect's API at {api_address()} was lost ({name})") from None


def _is_lost_connection(error: Exception) -> bool:
    """Know the errors of a connection by name: what Prefect's client sends its requests with is its own business."""
    return any((kind.__module__, kind.__name__) == ("httpx", "TransportError") for kind in type(error).__mro__)


async def answers(seconds: float) -> bool:
    """Say whether Prefect's API answers within this time."""
    from prefect.client.orchestration import get_client

    try:
        # A client that has connected before would try again and again for a minute.
        async with asyncio.timeout(seconds), get_client() as client:
            return await client.api_healthcheck() is None
    except TimeoutError:
        return False
