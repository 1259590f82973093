"""What tests of more than one folder share: Prefect's own test server, started once and only where a test asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.canary import keep
from tests.server import _mariadb_database, _postgresql_database, database, mariadb, postgresql, sqlite
from tests.state import dropping_own_states, state

__all__ = [
    "_mariadb_database",
    "_postgresql_database",
    "database",
    "mariadb",
    "postgresql",
    "sqlite",
    "state",
]  # fixtures


@pytest.fixture(autouse=True)
def _own_states() -> Iterator[None]:
    with dropping_own_states():
        yield


@dataclass(frozen=True, slots=True)
class PrefectHarness:
    """A running Prefect test server: where its database is, and the folder in which the client keeps files."""

    database: Path
    home: Path
    api_url: str


@pytest.fixture(scope="session")
def prefect_harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectHarness]:
    """Start Prefect's test server over a database of its own; takes ten seconds or more, once a session."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        from prefect.settings import PREFECT_API_URL, PREFECT_HOME, get_current_settings, temporary_settings
        from prefect.testing.utilities import prefect_test_harness

        with temporary_settings({PREFECT_HOME: home}), prefect_test_harness(server_startup_timeout=60):
            database = get_current_settings().server.database.connection_url
            assert database is not None
            path = Path(database.get_secret_value().removeprefix("sqlite+aiosqlite:///"))
            yield PrefectHarness(path, home, str(PREFECT_API_URL.value()))
            keep(*(each.read_bytes() for each in path.parent.glob(f"{path.name}*")))  # it is removed now
