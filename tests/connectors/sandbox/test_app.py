"""Faults at work on a vendor, and the control routes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from connectors.sandbox.fault import Faults, Forced, Strike
from tests.connectors.sandbox.caller import Caller, FakeTime, refusal
from tests.connectors.sandbox.conftest import Open


def _strike(api: Caller, **strike: Any) -> httpx.Response:
    api.app.faults = Faults(strikes=(Strike(next=1, **strike),))
    return api.upsert("C-1", name="Ada")


def _count(api: Caller) -> int:
    return len(api.app.vendor.customers(""))


@pytest.mark.parametrize(("after_commit", "count"), [(False, 0), (True, 1)])
@pytest.mark.parametrize("kind", ["error", "empty", "html", "redirect"])
def test_strike_before_or_after_the_commit(api: Caller, kind: str, after_commit: bool, count: int) -> None:  # noqa: FBT001 - a parameter of the test
    """Before the commit nobody is created; after it the customer is there, whatever the answer says."""
    answer = _strike(api, kind=kind, after_commit=after_commit)
    assert answer.status_code in (503, 200, 302)
    assert _count(api) == count
    entry = api.app.journal.entries[-1]
    assert (entry.applied, entry.status, entry.fault) == (after_commit, answer.status_code, kind)


def test_strike_hits_once_and_the_next_request_is_well(api: Caller) -> None:
    """After the strike everything is as before."""
    assert _strike(api, kind="error").status_code == 503
    assert api.upsert("C-1", name="Ada").status_code == 201


def test_error_is_the_vendors(api: Caller) -> None:
    """A server error has the vendor's words under any status, and a Retry-After where one is given."""
    answer = _strike(api, kind="error", status=500, retry_after="7")
    assert refusal(answer) == (500, "server_error", "Oops! Something went wrong...")
    assert answer.headers["retry-after"] == "7"


def test_empty_and_html_look_like_success(api: Caller) -> None:
    """Nothing, or a page for people, comes with 200 where JSON is expected."""
    assert _strike(api, kind="empty").content == b""
    page = _strike(api, kind="html")
    assert page.text.startswith("<!DOCTYPE html>")
    assert page.headers["content-type"].startswith("text/html")


def test_redirect_leads_elsewhere(api: Caller) -> None:
    """A redirect names another host."""
    answer = _strike(api, kind="redirect", status=307, location="http://127.0.0.2:1/")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.2:1/")


def test_stranger_is_an_answer_about_somebody_else(api: Caller) -> None:
    """The customer is written, and the answer bears another reference and id."""
    content = _strike(api, kind="stranger").json()
    assert (content["id"], content["reference"]) == (2, "C-1-other")
    assert _count(api) == 1


def test_stranger_leaves_answers_without_a_customer(api: Caller) -> None:
    """A list or an error has nothing to mistake."""
    api.app.faults = Faults(strikes=(Strike(kind="stranger", next=2),))
    assert api.get().json()["data"] == []
    assert refusal(api.get("/7"))[1] == "not_found"


def test_strikes_spare_the_login_unless_told(api: Caller) -> None:
    """A target that is down answers API requests with 503, and its login only when that is asked for."""
    faults = Faults(strikes=(Strike(kind="error", probability=1),))
    api.app.faults = faults
    assert (api.log_in().status_code, api.get().status_code) == (302, 503)
    api.app.faults = Faults(strikes=faults.strikes, strike_login=True)
    assert api.log_in().status_code == 503


def test_rate_limit_is_answered_429(api: Caller) -> None:
    """A request too many is not carried out, and told when to come back."""
    api.app.faults = Faults(rate_limit=1, retry_after_seconds=3)
    api.get()
    answer = api.upsert("C-1", name="Ada")
    assert refusal(answer)[:2] == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "3"
    assert _count(api) == 0


def test_rate_limit_may_say_nothing_about_when(api: Caller) -> None:
    """A 429 can come without a Retry-After."""
    api.app.faults = Faults(rate_limit=0, retry_after="none")
    assert "retry-after" not in api.get().headers


def test_latency_is_spent_around_the_commit(api: Caller, time: FakeTime) -> None:
    """Half of the latency passes before the customer is written, half after it."""
    api.app.faults = Faults(latency_ms=100)
    created = api.upsert("C-1", name="Ada")
    assert created.status_code == 201
    assert time.slept == [0.05, 0.05]
    assert api.app.journal.entries[-1].time == "2026-03-01T12:00:00.750+00:00"


FORCED = {"status": 400, "error": "save_failed", "error_description": "Failed to save instance."}


def test_forced_error_hits_one_customer(api: Caller) -> None:
    """The named customer is refused as told, and not written; others are."""
    api.app.faults = Faults(forced={"C-17": Forced(**FORCED)})  # type: ignore[arg-type]  # one dict of two types
    assert refusal(api.upsert("C-17", name="Ada")) == (400, "save_failed", "Failed to save instance.")
    assert refusal(api.post(reference="C-17", name="Ada"))[1] == "save_failed"
    assert api.upsert("C-18", name="Bob").status_code == 201
    assert [entry.fault for entry in api.app.journal.entries[-3:]] == ["forced", "forced", ""]


@pytest.mark.parametrize(
    ("forced", "status", "body"),
    [
        (Forced(status=418, error="teapot"), 418, b'{"error":"teapot"}'),
        (Forced(status=422), 422, b"{}"),
        (Forced(status=200, body="<html>"), 200, b"<html>"),
        (Forced(status=502, body=""), 502, b""),
    ],
)
def test_forced_answers_may_be_anything(api: Caller, forced: Forced, status: int, body: bytes) -> None:
    """Unknown codes, missing codes and bodies that are no JSON can be forced."""
    api.app.faults = Faults(forced={"C-1": forced})
    answer = api.upsert("C-1", name="Ada")
    assert (answer.status_code, answer.content) == (status, body)


def test_forced_after_the_commit(api: Caller) -> None:
    """A customer can be written and its answer be an error all the same."""
    api.app.faults = Faults(forced={"C-1": Forced(status=500, after_commit=True)})
    assert api.upsert("C-1", name="Ada").status_code == 500
    assert _count(api) == 1
    assert api.app.journal.entries[-1].applied


@pytest.mark.parametrize(("after_commit", "count"), [(False, 0), (True, 1)])
def test_forced_drop(api: Caller, after_commit: bool, count: int) -> None:  # noqa: FBT001 - a parameter of the test
    """One customer's requests can get no answer, before or after they are carried out."""
    api.app.faults = Faults(forced={"C-1": Forced(drop=True, after_commit=after_commit)})
    with pytest.raises(ConnectionAbortedError):
        api.upsert("C-1", name="Ada")
    assert _count(api) == count


def test_forced_answers_wait_for_the_credentials(api: Caller) -> None:
    """Who is not logged in is told so, and not what is forced."""
    api.app.faults = Faults(forced={"C-1": Forced(times=1)})
    api.forget_cookies()
    assert refusal(api.upsert("C-1", name="Ada"))[1] == "no_credentials"
    api.log_in()
    assert api.upsert("C-1", name="Ada").json() == {}


def test_read_lag_hides_new_customers(api: Caller, time: FakeTime) -> None:
    """Within the lag, a new customer is written but neither shown nor listed; after it, it is."""
    api.app.faults = Faults(read_lag_seconds=5)
    created = api.upsert("C-1", name="Ada").json()
    assert api.get("/reference/C-1").status_code == api.get(f"/{created['id']}").status_code == 404
    assert api.get().json()["paging"]["total"] == 0
    assert api.upsert("C-1", phone="1").status_code == 200
    time.seconds += 5
    assert api.get("/reference/C-1").json()["phone"] == "1"
    assert api.get().json()["paging"]["total"] == 1


def test_read_lag_shows_the_version_before(api: Caller, time: FakeTime) -> None:
    """Within the lag, an update is not seen, nor a second one right after it."""
    api.upsert("C-1", name="Ada")
    api.app.faults = Faults(read_lag_seconds=5)
    api.upsert("C-1", name="Bob")
    time.seconds += 1
    api.upsert("C-1", name="Cyd")
    assert api.get("/reference/C-1").json()["name"] == "Ada"
    assert api.get().json()["data"][0]["name"] == "Ada"
    time.seconds += 5
    assert api.get("/reference/C-1").json()["name"] == "Cyd"


def test_deletion_is_seen_despite_the_lag(api: Caller) -> None:
    """A deleted customer is gone at once."""
    api.upsert("C-1", name="Ada")
    api.app.faults = Faults(read_lag_seconds=5)
    api.upsert("C-1", name="Bob")
    api.delete("/reference/C-1")
    assert api.get("/reference/C-1").status_code == 404


def test_faults_are_set_and_read_over_http(api: Caller) -> None:
    """Posted faults work at once, and replace those before."""
    sent = {"forced": {"C-17": FORCED}}
    answer = api.request("POST", "/sandbox/faults", json=sent)
    assert answer.status_code == 200
    assert api.request("GET", "/sandbox/faults").json() == answer.json()
    assert refusal(api.upsert("C-17", name="Ada"))[1] == "save_failed"
    api.request("POST", "/sandbox/faults", json={})
    assert api.upsert("C-17", name="Ada").status_code == 201


def test_wrong_faults_change_nothing(api: Caller) -> None:
    """Faults that cannot be read are refused, and those before stay."""
    api.app.faults = Faults(rate_limit=0)
    answer = api.request("POST", "/sandbox/faults", json={"latency": 5})
    assert answer.status_code == 400
    assert "latency" in answer.json()["error"]
    assert api.app.faults == Faults(rate_limit=0)


def test_journal_is_read_over_http(api: Caller) -> None:
    """The journal is a list of entries, all of them or those after a number."""
    api.upsert("C-1", name="Ada")
    entries = api.request("GET", "/sandbox/journal").json()
    assert [(entry["number"], entry["method"], entry["status"]) for entry in entries] == [
        (1, "POST", 302),
        (2, "POST", 201),
    ]
    assert api.request("GET", "/sandbox/journal", params={"after": 1}).json() == entries[1:]
    assert api.request("GET", "/sandbox/journal", params={"after": "x"}).status_code == 400


def test_customers_are_read_and_made_over_http(api: Caller) -> None:
    """Customers can be seeded without journal or login, and are seen as they are, lag or not."""
    api.app.faults = Faults(read_lag_seconds=5)
    api.forget_cookies()
    made = api.request("POST", "/sandbox/customers", json=[{"reference": f"C-{n}", "name": "Ada"} for n in range(3)])
    assert (made.status_code, made.json()) == (201, {"created": 3})
    seen = api.request("GET", "/sandbox/customers").json()
    assert [customer["reference"] for customer in seen] == ["C-0", "C-1", "C-2"]
    assert len(api.app.journal.entries) == 1


@pytest.mark.parametrize("body", [b"{}x", b"[1]", b"7", b'[{"reference": "C-1"}]'])
def test_customers_that_cannot_be_made(api: Caller, body: bytes) -> None:
    """A seed that is no list of customers, or one that the vendor would refuse, is a 400."""
    assert api.request("POST", "/sandbox/customers", content=body).status_code == 400
    assert _count(api) == 0


def test_status_counts(api: Caller) -> None:
    """The status says how many requests there were, how many changed something, and how many at once at most."""
    api.upsert("C-1", name="Ada")
    expected = {"requests": 2, "applied": 1, "in_flight": 0, "most_in_flight": 1}
    assert api.request("GET", "/sandbox/status").json() == expected


def test_reset_goes_back_to_the_start(open_api: Open) -> None:
    """A reset forgets customers, journal and faults, but keeps the faults of the start."""
    api = open_api(faults=Faults(strikes=(Strike(kind="error", next=1),)))
    assert api.upsert("C-1", name="Ada").status_code == 503
    api.upsert("C-1", name="Ada")
    api.app.faults = Faults(rate_limit=0)
    assert api.request("POST", "/sandbox/reset").json()["requests"] == 0
    api.log_in()
    assert [api.get().status_code, api.get().status_code] == [503, 200]
    assert _count(api) == 0


def test_control_routes_are_few(api: Caller) -> None:
    """Anything else under /sandbox is a 404."""
    assert api.request("GET", "/sandbox").status_code == 404
    assert api.request("DELETE", "/sandbox/journal").status_code == 404


def test_answers_are_utf_8_json(api: Caller) -> None:
    """Answers say that they are JSON and keep letters readable."""
    answer = api.upsert("C-1", name="Zoë")
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert "Zoë".encode() in answer.content
    assert json.loads(answer.content)["name"] == "Zoë"
