"""Answers and surroundings that would lead requests elsewhere: nobody else hears a byte (FAULTS.md X06, X07, X18).

X06 for Valomnia as a source, and X07 for its `paging.next`, are in `test_api_answer`. JTL-Wawi's lists have no link:
they name the next page by its number. Keypro has no token to ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.protocol import ConnectorError
from flows.summary import ExitCode
from tests.connectors.api.test_transport import _certificate
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_source import SourceRuns, source_runs
from tests.faults.target_wire import Elsewhere, elsewhere

SIGNING_IN = tuple(kind for kind in APIS if kind != "keypro")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
FAILURES = {ExitCode.FAILED, ExitCode.JOB}  # where the first request of all meets it, the job is to be looked at
ENTRY = {"valomnia": {"categoryId": {"const": "Retail"}}}  # to have it asked a reading request


@pytest.fixture
def other() -> Iterator[Elsewhere]:
    """Listen where nobody may come."""
    with elsewhere() as place:
        yield place


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn, with three customers to send."""
    with target_runs(tmp_path, request.param) as made:
        made.fields |= ENTRY.get(request.param, {})
        made.records("Ada", "Bert", "Cleo")
        yield made


@pytest.fixture(params=APIS)
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SourceRuns]:
    """Give a job out of each API in turn, with three customers to read."""
    with source_runs(tmp_path, request.param) as made:
        made.seed(3)
        yield made


def failure_of(reading: SourceRuns) -> str | None:
    """Run, and give the words with which the run failed, or the job was found wrong; None where it succeeded."""
    try:
        return reading.run().message
    except ConnectorError as error:
        return str(error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("methods", [("POST", "PATCH"), ("GET",)])
def test_x06_l27_a_target_that_redirects(
    runs: TargetRuns, other: Elsewhere, methods: tuple[str, ...], status: int
) -> None:
    """A write or a read that is answered with a redirect ends the run; no customer is blamed, and nobody goes there."""
    runs.strike("redirect", methods=methods, status=status, location=f"{other.url}/customers/1")
    summary = runs.run()
    assert summary.exit_code in FAILURES, summary
    assert (runs.rejects, other.visits) == ([], 0)
    assert f"status {status}" in str(summary.message)
    assert all(len(runs.writes(number)) <= 1 for number in range(3))
    assert runs.held == {}
    runs.heal()
    assert (runs.run().exit_code, runs.held, other.visits) == (ExitCode.DONE, runs.wanted, 0)


@pytest.mark.parametrize(("status", "path"), [(307, "/oauth2/token"), (302, "/login/ajaxSuccess")])
@pytest.mark.parametrize("kind", SIGNING_IN)
def test_x06_a_redirect_while_signing_in(kind: str, status: int, path: str, other: Elsewhere, tmp_path: Path) -> None:
    """Credentials do not follow a redirect, of neither a target nor a source; Valomnia's own stays on its origin."""
    strike = {"methods": (), "status": status, "location": f"{other.url}{path}"}
    with target_runs(tmp_path, kind) as runs:
        runs.records("Ada")
        runs.strike("redirect", **strike)
        runs.app.faults = type(runs.app.faults)(strikes=runs.app.faults.strikes, strike_login=True)
        summary = runs.run()
        assert (summary.exit_code, runs.held, other.visits) == (ExitCode.FAILED, {}, 0), summary
    with source_runs(tmp_path, kind) as reading:
        reading.strike("redirect", **strike)
        reading.app.faults = type(reading.app.faults)(strikes=reading.app.faults.strikes, strike_login=True)
        told = failure_of(reading)
        assert told is not None
        assert other.url not in told
        assert (reading.target.customers, other.visits) == ({}, 0)


@pytest.mark.parametrize("status", [302, 307])
def test_x06_a_source_that_redirects(reading: SourceRuns, other: Elsewhere, status: int) -> None:
    """A list that is answered with a redirect fails the run; once it is well again, everybody is read."""
    reading.strike("redirect", status=status, location=f"{other.url}/customers", skip=1)
    summary = reading.run()
    assert (summary.exit_code is ExitCode.DONE, reading.target.customers, other.visits) == (False, {}, 0), summary
    reading.app.faults = type(reading.app.faults)()
    assert (reading.run().exit_code, len(reading.target.customers), other.visits) == (ExitCode.DONE, 3, 0)


PATHS = {"keypro": "/customers/", "tradevest": "/roles/customers"}
LINKS = (
    "{url}/customers/?offset=100",
    "http://ann:secret@127.0.0.1:{port}/customers/",
    "http://127.0.0.1:{port}",
    "//127.0.0.1:{port}/customers/",
    "http://169.254.169.254/latest/meta-data",
    "HTTP://LOCALHOST:{port}/",
    "x&limit=1\r\nX-Injected: 1",
)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("kind", ["keypro", "tradevest"])
def test_x07_a_list_that_leads_elsewhere(kind: str, link: str, other: Elsewhere, tmp_path: Path) -> None:
    """Keypro's Next is not followed, and tradevest's cursor is a parameter whatever it says: nobody goes elsewhere."""
    location = link.format(url=other.url, port=other.port)
    with source_runs(tmp_path, kind) as reading:
        reading.seed(3)
        reading.strike("next", location=location)
        told = failure_of(reading)
        assert told is not None
        assert location not in told
        assert reading.tap.requests
        assert all(reading.api.is_login(each.path) or each.path == PATHS[kind] for each in reading.tap.requests)
        assert not any("x-injected" in each.headers for each in reading.tap.requests)
    assert other.visits == 0


@pytest.mark.parametrize("kind", ["keypro", "tradevest"])
def test_x07_a_list_of_a_target_that_leads_elsewhere(kind: str, other: Elsewhere, tmp_path: Path) -> None:
    """The same in the list in which a target shows whom it holds: nobody is doubled, all arrive once it is mended."""
    with target_runs(tmp_path, kind) as runs:
        for number in range(10, 13):
            runs.put(number, "Somebody")
        runs.records("Ada", "Bert", "Cleo")
        runs.strike("next", methods=("GET",), location=f"{other.url}/customers/")
        runs.run()
        assert len(runs.held) == 3 + len(runs.creations())
        runs.heal()
        runs.clock.forward(minutes=6)
        assert runs.run().exit_code is ExitCode.DONE
        assert runs.wanted.items() <= runs.held.items()
    assert other.visits == 0


def hostile_proxy(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Name a proxy in the environment."""
    for name in PROXIES:
        monkeypatch.setenv(name, url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def test_x18_a_target_and_proxies_of_the_environment(
    runs: TargetRuns, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that the environment names gets no byte unless the job asks for it with `trust_env`, and then it does."""
    hostile_proxy(monkeypatch, other.url)
    assert (runs.run().exit_code, runs.held, other.visits) == (ExitCode.DONE, runs.wanted, 0)
    runs.section["trust_env"] = True
    runs.records("Other")
    assert runs.run().exit_code is ExitCode.FAILED
    assert other.visits > 0


def test_x18_a_source_and_proxies_of_the_environment(
    reading: SourceRuns, other: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same while reading."""
    hostile_proxy(monkeypatch, other.url)
    assert (reading.run().exit_code, len(reading.target.customers), other.visits) == (ExitCode.DONE, 3, 0)
    reading.section["trust_env"] = True
    assert reading.run().exit_code is ExitCode.FAILED
    assert other.visits > 0


@pytest.mark.parametrize("kind", APIS)
def test_x18_certificates_of_the_environment(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that only the environment vouches for gets no request, unless the job asks for it."""
    context = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with elsewhere(context) as secure, target_runs(tmp_path, kind) as runs:
        runs.records("Ada")
        for key in ("base_url", "token_url"):
            if key in runs.section:
                runs.section[key] = runs.section[key].replace(runs.url, secure.url)
        summary = runs.run()
        assert summary.exit_code in FAILURES, summary
        assert "no secure connection" in str(summary.message)
        assert (bytes(secure.heard), secure.visits > 0) == (b"", True)
        runs.section["trust_env"] = True
        runs.run()
        assert secure.heard
