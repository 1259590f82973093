"""Texts that would be more than text in a path or a header of a request (FAULTS.md X08, X09), to and from each API.

tradevest's references are UUIDs, so that none of the odd ones is ever sent. Keypro and JTL-Wawi have references in
bodies and in the query of a look-up alone; in paths they have the ids that the target itself gives.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connectors.protocol import ConnectorError, Refusal
from connectors.sandbox.exchange import Reply, Request
from connectors.sandbox.fault import Faults, Forced
from flows.document import JobError
from flows.summary import ExitCode
from tests.faults.target_api import APIS, CREATING
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_source import SourceRuns, source_runs

ODD = (
    *("../admin/users", "a/b", "a?x=1", "a#f", "%2e%2e", "a%2Fb", "..;/x", "...", "a&limit=1", "a\\..\\b", "é/ü b"),
    *("a%0d%0aX-Injected: 1", "*", "a'b\"c"),
)
UNSENDABLE = ("", " ", ".", "..", " .. ", "a\nb", "a\r\nX-Injected: 1", "a\0b", "a\x7fb", "a\x1b[2J", "a\x85b")
INJECTION = "\r\nX-Injected: 1"
IDS = ("../../admin/users", "..", ".", "7/../8", "7?x=1", "7%2F..", "7\r\nX-Injected: 1", "")
# Every key that a job may have beside those that it needs.
MORE = {
    "valomnia": {"api_version": "v2.1", "login_path": "/j_spring_security_check"},
    "keypro": {"reference_field": "customerNumber"},
    "jtl": {
        "app_id": "App/1",
        "app_version": "1",
        "run_as": "1",
        "api_version": "1.4",
        "scope": "x",
        "path": "/customers",
    },
    "tradevest": {"scope": "tradevest.api"},
}
KEYS = {
    "valomnia": ("base_url", "username", "password", *MORE["valomnia"]),
    "keypro": ("base_url", "token", *MORE["keypro"]),
    "jtl": ("base_url", "client_id", "client_secret", "token_url", "tenant_id", *MORE["jtl"]),
    "tradevest": ("base_url", "client_id", "client_secret", "token_url", "requestor_id", *MORE["tradevest"]),
}
IN_BODIES = {"username", "password", "client_id", "client_secret", "scope"}  # or encoded as a whole, for Basic


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn."""
    with target_runs(tmp_path, request.param) as made:
        yield made


def refer(runs: TargetRuns, *references: str, name: str = "Ada") -> None:
    """Have the source hold customers of these references."""
    runs.source.records = [(f"K-{n}", "1", {"no": each, "name": f"{name} {n}"}) for n, each in enumerate(references)]


def strays(runs: TargetRuns | SourceRuns) -> list[str]:
    """List the paths of requests that no request about customers has."""
    paths = (each.path for each in runs.tap.requests if not runs.api.is_login(each.path))
    return [path for path in paths if not re.fullmatch(runs.api.paths, path)]


def injected(runs: TargetRuns | SourceRuns) -> list[Request]:
    """List the requests that bear a header which somebody's text has brought in."""
    return [each for each in runs.tap.requests if any("injected" in name.lower() for name in each.headers)]


@pytest.mark.parametrize("kind", ["valomnia", "keypro", "jtl"])
def test_x08_odd_references_arrive_as_they_are(kind: str, tmp_path: Path) -> None:
    """Each is one customer and one segment of a path, created once and updated by the next run, lost answers or not."""
    with target_runs(tmp_path, kind) as runs:
        for name in ("Ada", "Bea"):
            refer(runs, *ODD, name=name)
            runs.app.faults = Faults(forced={each: Forced(drop=True, after_commit=True, times=1) for each in ODD})
            assert runs.run().exit_code is ExitCode.DONE
            assert (runs.held, runs.rejects) == (runs.wanted, [])
            assert (strays(runs), injected(runs)) == ([], [])
        assert {each.reference for each in runs.writes()} == set(ODD)


def test_x08_references_that_no_request_could_name(runs: TargetRuns) -> None:
    """Nothing at all is asked or sent for empty ones, dots and control characters; each is told to be no reference."""
    refer(runs, *UNSENDABLE)
    summary = runs.run()
    assert (summary.exit_code, summary.counts.invalid) == (ExitCode.REJECTS, len(UNSENDABLE)), runs.codes
    asked = [each for each in runs.entries() if each.path not in {"/companies", "/customerGroups"}]
    assert [each for each in asked if runs.api.kind != "keypro" or each.method != "GET"] == []
    assert len(asked) <= 1  # Keypro proves its token with a list of one customer
    assert runs.held == {}


def test_x08_tradevest_takes_nothing_but_uuids(tmp_path: Path) -> None:
    """Odd references are stopped before any request."""
    with target_runs(tmp_path, "tradevest") as runs:
        refer(runs, *ODD, f"{runs.ref(0)}/..", f"{runs.ref(0)}\nx")
        assert runs.run().counts.rejected == 0
        assert (runs.writes(), strays(runs)) == ([], [])
        assert len(runs.rejects) >= len(ODD) + 1


def test_x08_ids_that_a_target_makes_up(runs: TargetRuns) -> None:
    """An id that would lead elsewhere in a path is none: no request, now or in a later run, has it in its path."""
    numbers = range(len(IDS))
    odd: dict[str, str] = {}

    def lie(request: Request) -> Reply | None:
        if "/customers" not in request.path:
            return None
        reply = runs.app.vendor.handle(request, Faults())
        known = [str(each[runs.api.identity]) for each in runs.app.vendor.customers("")]
        odd.update(zip(known, IDS, strict=False))
        told = _with_ids(json.loads(reply.body), runs.api.identity, odd)
        return Reply(reply.status, json.dumps(told).encode(), reply.headers)

    runs.tap.before = lie
    for word in ("Ada", "Bea"):
        refer(runs, *map(runs.ref, numbers), name=word)
        runs.run(tries=2, give_up_seconds=20.0)
        assert (strays(runs), injected(runs)) == ([], [])
        runs.clock.forward(minutes=30)
    assert odd
    assert set(runs.held) <= set(runs.wanted)


LISTS = {
    "valomnia": "/api/v2.1/customers",
    "keypro": "/customers/",
    "jtl": "/customers",
    "tradevest": "/roles/customers",
}


@pytest.mark.parametrize("kind", APIS)
def test_x08_ids_that_a_source_makes_up(kind: str, tmp_path: Path) -> None:
    """A source that shows such ids is read to its end, or not at all, without a request to any place but its list."""
    with source_runs(tmp_path, kind) as reading:
        reading.seed(len(IDS))
        reading.target.refusals[reading.api.reference(0)] = Refusal("bad", "", "not now")
        ids = {str(each[reading.api.identity]): odd for each, odd in zip(shown(reading), IDS, strict=True)}

        def lie(request: Request) -> Reply | None:
            if reading.api.is_login(request.path) or request.method != "GET":
                return None
            reply = reading.app.vendor.handle(request, Faults())
            told = _with_ids(json.loads(reply.body), reading.api.identity, ids)
            return Reply(reply.status, json.dumps(told).encode(), reply.headers)

        reading.tap.before = lie
        for _ in range(2):
            reading.run()
            paths = {each.path for each in reading.tap.requests if not reading.api.is_login(each.path)}
            assert (paths, injected(reading)) == ({LISTS[kind]}, [])
            reading.clock.forward(minutes=30)


def shown(reading: SourceRuns) -> list[Any]:
    """Show the source's customers."""
    return list(reading.app.vendor.customers(""))


def _with_ids(content: Any, name: str, ids: Mapping[str, str]) -> Any:
    """Replace the ids in what an answer shows, each by its odd one."""
    if isinstance(content, list):
        return [_with_ids(each, name, ids) for each in content]
    if isinstance(content, dict):
        return {
            key: ids.get(str(each), each) if key == name else _with_ids(each, name, ids)
            for key, each in content.items()
        }
    return content


@pytest.mark.parametrize("kind", APIS)
def test_x08_keys_that_a_source_is_asked_for(kind: str, tmp_path: Path) -> None:
    """The key of a reject is a segment of a path, percent-encoded, or none: then nothing is asked, and nobody shown."""
    with source_runs(tmp_path, kind) as reading:
        reading.seed(1)
        source = reading.source()
        source.open()
        for identity in (*IDS, "no id 0123"):
            reading.tap.requests.clear()
            assert list(source.read_keys([identity], 10)) == []
            allowed = [f"{LISTS[kind].rstrip('/')}/{quote(identity, safe='')}"]
            paths = [each.path for each in reading.tap.requests]
            assert paths in ([], allowed) if identity not in {"", ".", ".."} else paths == []
            assert injected(reading) == []
        source.close()


def test_x09_line_breaks_in_values(runs: TargetRuns) -> None:
    """A name with a line break and a header behind it is a value in a body, or refused: it becomes no header."""
    runs.records(f"Ada{INJECTION}", f"{INJECTION}", "Bert\n\nCleo")
    runs.run()
    assert injected(runs) == []
    assert set(runs.held) | {entry.reference for entry in runs.rejects} == set(runs.wanted)


@pytest.mark.parametrize("side", ["target", "source"])
@pytest.mark.parametrize("kind", KEYS)
def test_x09_line_breaks_in_settings(kind: str, side: str, tmp_path: Path) -> None:
    """A setting with a line break is refused before any request, or is no more than a value in a form or a query."""
    serve = target_runs if side == "target" else source_runs
    with serve(tmp_path, kind) as runs:
        if isinstance(runs, TargetRuns):
            runs.records("Ada")
        proper = dict(runs.section)
        for key in KEYS[kind]:
            runs.section = {**proper, key: f"{ {**MORE[kind], **proper}[key] }{INJECTION}"}
            assert "X-Injected" not in ending(runs), key
            assert injected(runs) == [], key
            assert runs.tap.requests == [] or key in IN_BODIES, key
            runs.tap.requests.clear()


def ending(runs: TargetRuns | SourceRuns) -> str:
    """Run, and give the words in which the run ended, or the job was found wrong."""
    try:
        return str(runs.run().message)
    except (JobError, ConnectorError) as error:
        return str(error)


@pytest.mark.parametrize("name", ["access_token", "token", "cookie"])
@pytest.mark.parametrize("kind", [kind for kind in APIS if kind != "keypro"])
def test_x09_a_token_with_a_line_break(kind: str, name: str, tmp_path: Path) -> None:
    """A token or a cookie that a server hands out with a line break in it is not sent back."""
    with target_runs(tmp_path, kind) as runs:
        runs.records("Ada")

        def lie(request: Request) -> Reply | None:
            if not runs.api.is_login(request.path):
                return None
            reply = runs.app.vendor.handle(request, Faults())
            content = json.loads(reply.body or b"{}")
            if name in content:
                content[name] = f"{content[name]}{INJECTION}"
            headers = tuple(
                (key, value + b"\x0bX-Injected: 1" if name == "cookie" and key == b"set-cookie" else value)
                for key, value in reply.headers
            )
            return Reply(reply.status, json.dumps(content).encode(), headers)

        runs.tap.before = lie
        runs.run()
        assert injected(runs) == []


@pytest.mark.parametrize("kind", CREATING)
def test_x08_ids_that_the_ledger_remembers(kind: str, tmp_path: Path) -> None:
    """Even an id out of a ledger that somebody has changed by hand is not sent, and the customer is told apart."""
    with target_runs(tmp_path, kind) as runs:
        runs.records("Ada")
        runs.run()
        with runs.ledger.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE crosswalk SET target_id = '../admin/users'")
        runs.records("Bea")
        runs.run(tries=2, give_up_seconds=20.0)
        paths = {each.path for each in runs.tap.requests if "admin" in each.path}
        assert paths <= {f"/customers/{quote('../admin/users', safe='')}/"}  # Keypro's: one segment, as any text
        assert len(runs.held) == 1
