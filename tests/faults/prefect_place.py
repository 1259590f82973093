"""Where a Prefect server of our tests keeps the places of runs: as it does by itself, but a test can let time pass.

A run claims its place for five minutes at a time, which no setting of Prefect's changes. A server names this module as
its `PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

from prefect.server.concurrency.lease_storage import memory
from prefect.settings import get_current_settings

from tests.kill.process import await_that

SETTINGS = {
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": __name__,
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "1",  # fifteen otherwise
    "PYTHONPATH": str(Path(__file__).parents[2]),
}
_PASSED = "seconds-passed"


def let_pass(home: Path, seconds: int) -> None:
    """Let so many seconds pass for the places that the server with this home keeps now."""
    said = home / _PASSED
    made = said.with_suffix(".new")
    made.write_text(str(seconds), encoding="ascii")
    made.rename(said)
    await_that(lambda: not said.exists(), 60)


class ConcurrencyLeaseStorage(memory.ConcurrencyLeaseStorage):
    """Keeps places in memory, until their time has passed or is said to have passed."""

    async def read_expired_lease_ids(self, limit: int = 100) -> list[UUID]:
        """List the places whose time has passed."""
        said = Path(get_current_settings().home) / _PASSED
        if said.exists():
            passed = timedelta(seconds=int(said.read_text(encoding="ascii")))
            for number, lease in self.leases.items():
                lease.expiration -= passed
                self.expirations[number] = lease.expiration
            said.unlink()
        return await super().read_expired_lease_ids(limit)
