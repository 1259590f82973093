"""One Prefect server for all tests of this folder that do not kill it, and the program as its client."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.flows.display.hosted import Program, loaded_program
from tests.flows.display.server import PrefectServer, prefect_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """Serve Prefect's API to the tests of this folder; who freezes it lets it go on."""
    with prefect_server(tmp_path_factory.mktemp("prefect") / "server") as running:
        yield running


@pytest.fixture(scope="package")
def program(server: PrefectServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Load the program once for all runs of a shell under that server."""
    with loaded_program(server, tmp_path_factory.mktemp("program")) as loaded:
        yield loaded
