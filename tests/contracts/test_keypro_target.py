"""The Keypro target keeps the contract of targets, against the sandbox in several of the forms that it may have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.id_target import IdTargetContract, SpellingContract
from tests.contracts.keypro_target_world import FORMS, Environment, KeyproTargetWorld, TwinsWorld, served
from tests.contracts.target import ReferenceContract, TargetContract
from tests.contracts.wire import WireContract


@pytest.fixture(scope="module", params=FORMS)
def environment(request: pytest.FixtureRequest) -> Iterator[Environment]:
    """Serve one environment of each form for all tests."""
    with served(FORMS[request.param]) as made:
        yield made


class TestKeypro(SpellingContract, IdTargetContract, WireContract, ReferenceContract, TargetContract):
    """Customers by ids."""

    @pytest.fixture
    def world(self, environment: Environment) -> KeyproTargetWorld:
        """Give the environment without customers."""
        lenient = environment.sandbox.unique_number == "off"
        return TwinsWorld(environment) if lenient else KeyproTargetWorld(environment)
