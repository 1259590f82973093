"""Errors in which a system repeats what it was sent, row and token alike, on both sides (FAULTS.md X19)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.protocol import ConnectorError
from connectors.sandbox.exchange import HTML_HEADERS, Reply, Request
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.summary import ExitCode
from tests.faults.target_api import APIS
from tests.faults.target_run import TargetRuns, target_runs
from tests.faults.target_source import SourceRuns, source_runs
from tests.flows.canary import found_in

# A name of tradevest's is its labels, which tell nothing of a person; the owner of an account does.
OWNER: dict[str, Any] = {
    "entityId": "no",
    "entityType": {"const": "LEGAL_ENTITY"},
    "refAccounts.ownerName": {"from": "name", "convert": [{"split": "|"}]},
    "refAccounts.iban": {"from": "iban", "convert": [{"split": "|"}]},
}
PEOPLE = [f"Zanzibar{number:02}ova Quux{number:02}man" for number in range(14)]
PROOFS = ("authorization", "cookie", "requestor-id")
SECRETS = ("Wyvern-secret-77", "Wyvern-name-77")


def told(request: Request) -> str:
    """Repeat a request: its headers, then its body."""
    headers = "; ".join(f"{name}: {value}" for name, value in request.headers.items())
    return f"{headers} {request.body.decode()}"


def told_backwards(request: Request) -> str:
    """Repeat a request: the beginning of its body, then what proves who sent it."""
    return f"{request.body.decode()[:60]} {' '.join(map(str, map(request.headers.get, PROOFS)))}"


def validation(text: str) -> object:
    """Blame fields, in the words of all four APIs at once."""
    return {
        "customerName": [text],
        text: ["wrong"],
        "ErrorCode": "VALIDATION_ERROR",
        "ErrorMessage": text,
        "ValidationErrors": {"BillingAddress.Company": text, text: "wrong"},
        "errorDetails": [{"field": "labels", "errors": [{"code": text, "message": text, "validationString": text}]}],
        "error": "bad",
        "error_description": text,
    }


def answers(runs: TargetRuns) -> list[Callable[[Request], Reply]]:
    """List the ways to repeat a request in an answer to it, one for each customer."""
    error = runs.app.vendor.error
    return [
        lambda request: error(400, "bad", f"cannot save {told(request)}"),
        lambda request: error(400, "bad", told_backwards(request)),
        lambda request: error(400, told_backwards(request), "bad"),
        lambda request: error(400, PEOPLE[3], request.headers.get("authorization")),
        lambda request: error(400, request.headers.get("authorization", "").rpartition(" ")[2], None),
        lambda request: error(409, "conflict", told_backwards(request)),
        lambda request: error(413, "large", told_backwards(request)),
        lambda request: error(500, "server", told(request)),
        lambda request: Reply(400, told(request).encode(), HTML_HEADERS),
        lambda request: Reply(502, told(request).encode(), HTML_HEADERS),
        lambda request: Reply(200, told(request).encode(), HTML_HEADERS),
        lambda request: Reply(400, json.dumps(validation(told_backwards(request))).encode()),
        lambda request: Reply(400, json.dumps(validation(request.headers.get("authorization", ""))).encode()),
        lambda request: Reply(400, json.dumps({"error": {"error": told(request)}, "details": told(request)}).encode()),
    ]


def secrets(requests: list[Request]) -> set[str]:
    """Collect what the requests bore to prove who sent them."""
    found = set(SECRETS)
    for request in requests:
        found.add(request.headers.get("authorization", "").rpartition(" ")[2])
        found.add(request.headers.get("cookie", "").rpartition("=")[2])
        found.add(request.headers.get("requestor-id", ""))
    return found - {""}


def kept(folder: Path, ledger: Ledger, caplog: pytest.LogCaptureFixture, *texts: object) -> str:
    """Put together whatever a run left behind: the ledger's bytes, its rejects, the logs at DEBUG, and these texts."""
    files = [path.read_bytes().decode("latin-1") for path in folder.iterdir() if ".db" in path.suffix]
    logs = [record.getMessage() + str(record.exc_info) for record in caplog.records]
    return "\n".join([*files, repr(History(ledger).rejects()), *logs, *map(repr, texts)])


@pytest.fixture(params=APIS)
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TargetRuns]:
    """Give a job into each API in turn."""
    with target_runs(tmp_path, request.param) as made:
        made.records(*PEOPLE)
        if request.param == "tradevest":
            made.fields = OWNER
            made.source.columns = ("no", "name", "iban")
            for _, _, values in made.source.records:
                values["iban"] = "DE02120300000000202051"
        yield made


@pytest.fixture(params=APIS)
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SourceRuns]:
    """Give a job out of each API in turn."""
    with source_runs(tmp_path, request.param) as made:
        made.seed(3)
        yield made


def test_x19_refusals_that_repeat_the_row_and_the_token(runs: TargetRuns, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a target repeats, no name and no token is left in rejects, ledger, logs and notices."""
    caplog.set_level(logging.DEBUG)
    told_to = answers(runs)
    places = {runs.ref(number): number for number in range(len(told_to))}

    def echo(request: Request) -> Reply | None:
        name = runs.app.vendor.reference(request) if request.method != "GET" else None
        return None if name is None else told_to[places[name]](request)

    runs.tap.before = echo
    summary = runs.run(tries=2)
    assert summary.exit_code in {ExitCode.REJECTS, ExitCode.FAILED}, summary
    assert len(runs.rejects) >= 10
    left = kept(runs.folder, runs.ledger, caplog, summary, runs.notices)
    words = {word for name in PEOPLE for word in name.split()}
    assert found_in(left, words) == []
    assert found_in(left, secrets(runs.tap.requests)) == []
    runs.tap.before = lambda _: None
    runs.clock.forward(minutes=6)
    assert (runs.run().exit_code, len(runs.held), runs.rejects) == (ExitCode.DONE, len(PEOPLE), [])


@pytest.mark.parametrize("status", [302, 400, 401, 404, 418, 500])
def test_x19_a_target_that_repeats_everything_to_everybody(
    runs: TargetRuns, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer that ends the run, signing in included, leaves no more of it than its status."""
    caplog.set_level(logging.DEBUG)
    runs.section |= {key: SECRETS[0] for key in ("password", "client_secret") if key in runs.section}
    runs.section |= {key: SECRETS[0] for key in ("token",) if key in runs.section}
    location = ((b"location", f"http://127.0.0.1:1/?{SECRETS[0]}".encode()),)
    runs.tap.before = lambda request: Reply(status, told(request).encode(), HTML_HEADERS + location)
    summary = runs.run(tries=2, give_up_seconds=20.0)
    assert summary.exit_code is not ExitCode.DONE
    assert runs.tap.requests
    left = kept(runs.folder, runs.ledger, caplog, summary, runs.notices)
    assert found_in(left, secrets(runs.tap.requests)) == []
    assert found_in(left, PEOPLE) == []


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_x19_a_source_that_repeats_the_token(
    reading: SourceRuns, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What a source answers instead of a list is in no message, no exception and no log."""
    caplog.set_level(logging.DEBUG)

    def echo(request: Request) -> Reply | None:
        if reading.api.is_login(request.path):
            return None
        return Reply(status, json.dumps({"error": told(request), "details": told(request)}).encode())

    reading.tap.before = echo
    left: list[object] = [reading.notices]
    try:
        left.append(reading.run())
    except ConnectorError as error:
        left += [str(error), error.args, error.__cause__]
    assert reading.tap.requests
    text = kept(reading.folder, reading.ledger, caplog, *left)
    assert found_in(text, secrets(reading.tap.requests)) == []
