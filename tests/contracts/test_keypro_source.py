"""The Keypro source keeps the contract of sources, against the sandbox, in each form that its list may have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox.keypro.setting import KeyproSettings
from tests.contracts.incremental import IncrementalContract
from tests.contracts.keypro_world import Environment, KeyproWorld, RenamedWorld, plain, served
from tests.contracts.source import SourceContract
from tests.contracts.world import World

_FORMS = {
    "documented": plain(),
    "lower, small parts": plain(envelope="lower", max_limit=7),
    "sibling": plain(envelope="sibling"),
    "bare, small parts": plain(envelope="bare", max_limit=20),
}


@pytest.fixture(scope="module", params=_FORMS)
def environment(request: pytest.FixtureRequest) -> Iterator[Environment]:
    """Serve one environment of each form for all tests."""
    form: KeyproSettings = _FORMS[request.param]
    with served(form) as made:
        yield made


@pytest.fixture(scope="module")
def renamed() -> Iterator[Environment]:
    """Serve an environment whose properties have names of their own."""
    with served(plain(names=RenamedWorld.properties)) as made:
        yield made


class TestKeypro(IncrementalContract, SourceContract):
    """The customers of an environment; not in the order of last updates, but of ids."""

    @pytest.fixture
    def world(self, environment: Environment) -> World:
        """Give the environment without customers."""
        world = KeyproWorld(environment)
        world.clear()
        return world


class TestRenamedProperties(IncrementalContract, SourceContract):
    """The columns are called as the fields, whatever the properties are called."""

    @pytest.fixture
    def world(self, renamed: Environment) -> World:
        """Give the environment without customers."""
        world = RenamedWorld(renamed)
        world.clear()
        return world
