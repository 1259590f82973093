"""The connector that the page about adding a system shows keeps the contracts of sources and of targets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.id_target import IdTargetContract
from tests.contracts.source import ResumeContract, SourceContract
from tests.contracts.target import ReferenceContract, TargetContract
from tests.contracts.wire import WireContract
from tests.docs.acme_world import Acme, AcmeTargetWorld, AcmeWorld, acme_connector, served


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    """Serve one Acme for all tests."""
    with acme_connector(tmp_path_factory.mktemp("acme")) as connector, served(connector) as made:
        yield made


class TestAcmeSource(ResumeContract, SourceContract):
    """The source reads everything, in the order of ids."""

    @pytest.fixture
    def world(self, acme: Acme) -> AcmeWorld:
        """Give the server without customers."""
        acme.app.reset()
        return AcmeWorld(acme)


class TestAcmeTarget(IdTargetContract, WireContract, ReferenceContract, TargetContract):
    """The target creates, and updates by id."""

    @pytest.fixture
    def world(self, acme: Acme) -> AcmeTargetWorld:
        """Give the server without customers."""
        return AcmeTargetWorld(acme)
