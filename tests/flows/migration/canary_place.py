"""A table of customers whom nobody but the target may see, most with a fault, and a target at which others are at work.

The table's key is the customers' reference: so what divides it into partitions are references, too.
"""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.exchange import Receive, Scope, Send
from connectors.sandbox.fault import Faults, Forced
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.faults.target_api import APIS
from tests.flows import canary
from tests.flows.command import Said
from tests.flows.display.server import PrefectServer
from tests.flows.test_privacy import LOUD, Scene, own_error

FILE, TABLE = (
    "{kind: csv, path: customers.csv, key: no}",
    '{kind: database, url: "sqlite:///crm.db", table: customers, key: no}',
)


def write_place(folder: Path, job: str, broken: str = "") -> None:
    """Write a job with its table, and a module of converters that breaks something of ours, in whatever process.

    The module also lets that process log all there is to log.
    """
    folder.mkdir()
    text = canary.JOB.replace("job: canary", f"job: {job}").replace(FILE, TABLE)
    (folder / "job.yaml").write_text(text, encoding="utf-8")
    (folder / "own_converters.py").write_text(f"{canary.CONVERTERS}\n{broken}", encoding="utf-8")
    marks = ", ".join("?" * len(canary.COLUMNS))
    with closing(sqlite3.connect(folder / "crm.db")) as database, database:
        columns = ", ".join(f"{name} TEXT" for name in canary.COLUMNS)
        database.execute(f"CREATE TABLE customers ({columns}, PRIMARY KEY (no))")
        database.executemany(f"INSERT INTO customers VALUES ({marks})", rows())


def rows() -> list[tuple[str, ...]]:
    """Make the customers: REF-01 and REF-09 have no fault, those from REF-11 on have one at the target.

    Of two with one reference that of REF-08 comes first, and is the one that the target gets.
    """
    name, mail, phone, _, tax = range(5)
    people = canary.PEOPLE
    changed = {
        "REF-02": {"mail": f"{people['REF-02'][name]} at {people['REF-02'][mail]}"},  # no e-mail address
        "REF-03": {"company": people["REF-03"][name] + "!"},  # the user's converter raises
        "REF-04": {"company": ""},  # no name
        "REF-05": {"status": "?"},  # no entry in a table of a field that is not personal
        "REF-06": {"born": people["REF-06"][phone]},  # no entry in a table of a personal field
        "REF-07": {"credit": people["REF-07"][tax]},  # no number
        "REF-08": {"no": " REF-01"},  # the reference of another
        "REF-10": {"no": "REF-10\x07"},  # a bell in a reference
    }
    return [row(reference, **changed.get(reference, {})) for reference in canary.REFERENCES]


def row(reference: str, **changed: str) -> tuple[str, ...]:
    """Make a customer's row, with some columns changed."""
    name, mail, phone, street, tax = canary.PEOPLE[reference]
    values = dict(zip(canary.COLUMNS, (reference, name, mail, phone, street, tax, "A", "1,50", ""), strict=True))
    return tuple((values | changed).values())


class Meddled:
    """A sandbox at which others have deleted REF-09 and renamed REF-01 by the time that these are looked up."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self._left = {"REF-01", "REF-09"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        reference = scope["path"].rpartition("/")[2] if scope["type"] == "http" and scope["method"] == "GET" else ""
        if reference in self._left:
            self._left.remove(reference)
            if reference == "REF-09":
                APIS["valomnia"].erase(self.app, reference)
            else:
                APIS["valomnia"].rename(self.app, reference, canary.PEOPLE["REF-05"][0])
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Case:
    """How a migration ends: what Prefect stores of it at the last, what breaks, and what runs the partitions."""

    awaited: tuple[str, ...]
    place: str = ""  # the function of ours that breaks, in every process
    refused: bool = False  # the target turns a customer down, for good and at length
    runner: str = "threads"


OWN = "an error of our own: RuntimeError in own_converters.py"
CASES = {  # by the name of the job
    "differences": Case(
        (
            "run 1 of differences: failed: the target shows 2 customers",
            "| missing | 1 |",
            "| differing | 1 |",
            "not_unique",
        )
    ),
    "refused": Case(("run 1 of refused: failed: partition 1: ", "status 403"), refused=True),
    "own-in-dask": Case(("run 1 of own-in-dask: failed: partition", OWN), "flows.preparation:payloads", runner="dask"),
    "own-in-comparison": Case(
        ("run 1 of own-in-comparison: failed: comparison of partition", OWN), "flows.migration.verification:_difference"
    ),
}


@contextmanager
def open_scene(folder: Path, server: PrefectServer) -> Iterator[Scene]:
    """Open a sandbox that repeats what it is told, and name everything that a process needs to log all it can."""
    settings = ValomniaSettings(username=canary.USERNAME, password=canary.PASSWORD)
    app = valomnia_app(settings, faults=canary.echoing_faults())
    kept = folder / "kept"
    (kept / "tmp").mkdir(parents=True)
    with running(Meddled(app)) as url:
        environment = {
            "URL": url,
            "USERNAME": canary.USERNAME,
            "PASSWORD": canary.PASSWORD,
            "PREFECT_API_URL": server.api_url,
            "PREFECT_HOME": str(kept / "prefect"),
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
            "DASK_LOGGING__DISTRIBUTED": "debug",
            "DO_NOT_TRACK": "1",
            "TMPDIR": str(kept / "tmp"),
        }
        yield Scene(folder / "scene", app, environment)


def migrate(scene: Scene, name: str) -> Said:
    """Bring about what a case is about."""
    case = CASES[name]
    write_place(scene.folder, name, LOUD + (own_error(case.place) if case.place else ""))
    if case.refused:
        body = json.dumps({"error": canary.PERSONAL[0], "error_description": " / ".join(canary.PEOPLE["REF-01"])})
        scene.app.faults = Faults(forced={"REF-01": Forced(status=403, body=body)})
    options = ["--partitions", "3", "--workers", "2", "--runner", case.runner]
    with socket.socket() as other:  # somebody else's cluster shows its pages where Dask does so by default
        with suppress(OSError):
            other.bind(("127.0.0.1", 8787))
            other.listen()
        return scene.rollcall("migrate", scene.folder / "job.yaml", "--json", *options)
