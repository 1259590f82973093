"""Time for leases: a steady clock that passes when somebody sleeps, and a wall clock that can be set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import make_url

from flows.ledger.ledger import Ledger
from flows.ledger.steady import Steady
from tests.flows.clock import SetClock
from tests.server import Database
from tests.state import KEY, State


@dataclass(slots=True)
class Pulse:
    """A steady clock that stands still but while somebody sleeps; `meanwhile` is then called with what has passed."""

    moment: float = 1000.0
    slept: float = 0.0
    meanwhile: Callable[[float], object] = field(default=lambda _: None)

    @property
    def steady(self) -> Steady:
        """What a ledger is given."""
        return Steady(lambda: self.moment, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.moment += seconds
        self.slept += seconds
        self.meanwhile(self.slept)


class Wall:
    """The clock that judges a ledger's leases, which can be set: a server's own, or that of the one machine."""

    def __init__(self, state: State, server: Database | None) -> None:
        self.state = state
        self.clock = SetClock()
        self._server = server
        if server is not None:  # a function of this name stands before PostgreSQL's own
            server.execute(
                "CREATE SCHEMA stepped",
                "CREATE TABLE stepped.step AS SELECT interval '0' AS by",
                "CREATE FUNCTION stepped.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS"
                " 'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM stepped.step)'",
            )
            path = {"options": "-csearch_path=public,stepped,pg_catalog"}
            url = make_url(state.url).update_query_dict(path).render_as_string(hide_password=False)
            self.state = State(url, {"ROLLCALL_KEY": KEY})

    def step(self, seconds: float) -> None:
        """Set the clock forward or back."""
        if self._server is None:
            self.clock.forward(seconds=seconds)
        else:
            self._server.execute(f"UPDATE stepped.step SET by = by + interval '{seconds} seconds'")

    def open(self, pulse: Pulse, clock: SetClock | None = None) -> Ledger:
        """Open the ledger, as one more process would; a machine may have another clock."""
        return Ledger.open(self.state.url, self.state.environment, clock or self.clock, steady=pulse.steady)

    def close(self) -> None:
        """Give the server its clock back."""
        if self._server is not None:
            self._server.execute("DROP SCHEMA stepped CASCADE")
