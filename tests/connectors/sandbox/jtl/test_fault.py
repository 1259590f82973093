"""Faults at work on JTL-Wawi: its own errors, lists that are spoilt on purpose, rate limits, lag, seeded customers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.sandbox.catalogue import SYSTEMS, open_sandbox
from connectors.sandbox.fault import Faults, Forced, Strike
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.server import running
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.jtl.caller import CUSTOMER, GRANT, TENANT, JtlCaller, refusal, wrong
from tests.connectors.sandbox.jtl.conftest import OpenJtl


@pytest.fixture
def five(jtl: JtlCaller) -> JtlCaller:
    """Give five customers."""
    for number in range(5):
        assert jtl.app.vendor.add(CUSTOMER | {"Number": f"C-{number}"}).applied
    return jtl


def _strike(jtl: JtlCaller, **strike: Any) -> httpx.Response:
    jtl.app.faults = Faults(strikes=(Strike(next=1, **strike),))
    return jtl.create()


def test_server_error_is_the_vendors(jtl: JtlCaller) -> None:
    """A server error is an ErrorResponse with a trace under any status; the customer may be there all the same."""
    answer = _strike(jtl, kind="error", status=500)
    assert refusal(answer) == (500, "INTERNAL_SERVER_ERROR")
    assert answer.json()["Stacktrace"]
    assert jtl.count() == 0
    assert _strike(jtl, kind="error", after_commit=True).status_code == 503
    assert jtl.count() == 1


def test_stranger_is_an_answer_about_somebody_else(jtl: JtlCaller) -> None:
    """The customer is written, and the answer bears another number and id, of a create, a show and an update."""
    content = _strike(jtl, kind="stranger").json()
    assert (content["Id"], content["Number"]) == (2, "C-1-other")
    jtl.app.faults = Faults(strikes=(Strike(kind="stranger", next=2),))
    assert [jtl.get("/1").json()["Id"], jtl.patch(1).json()["Number"]] == [2, "C-1-other"]
    assert [customer["Number"] for customer in jtl.app.vendor.customers("")] == ["C-1"]


def test_stranger_leaves_answers_without_a_customer(jtl: JtlCaller) -> None:
    """A list, an error, an array or an empty answer has nothing to mistake."""
    jtl.create()
    jtl.app.faults = Faults(strikes=(Strike(kind="stranger", next=4),))
    assert jtl.get().json()["Items"][0]["Id"] == 1
    assert refusal(jtl.get("/7")) == (404, "NOT_FOUND")
    assert jtl.request("GET", "/companies").json()[0]["Id"] == 1
    assert jtl.delete().status_code == 204


def _struck(jtl: JtlCaller, kind: Any, **query: str | int) -> list[object]:
    jtl.app.faults = Faults(strikes=(Strike(kind=kind, next=1),))
    content = jtl.get(**query).json()
    numbers = "".join(customer["Number"][2:] for customer in content["Items"])
    return [numbers, *(content[name] for name in ("TotalItems", "PageNumber", "NextPageNumber", "HasNextPage"))]


def test_spoilt_lists(five: JtlCaller) -> None:
    """Each kind spoils the one thing that it names; `next` names the page itself as the next."""
    assert _struck(five, "no_customers", pageSize=2) == ["", 5, 1, 2, True]
    assert _struck(five, "fewer", pageSize=2) == ["0", 5, 1, 2, True]
    assert _struck(five, "no_next", pageSize=2) == ["01", 5, 1, 3, False]
    assert _struck(five, "next", pageSize=2, pageNumber=3) == ["4", 5, 3, 3, True]
    assert _struck(five, "next", pageSize=2, pageNumber=2) == ["23", 5, 2, 2, True]
    assert _struck(five, "first_page", pageSize=2, pageNumber=3, number="C-4") == ["01", 5, 1, 2, True]


@pytest.mark.parametrize("kind", ["no_customers", "fewer", "no_next", "next", "first_page"])
def test_other_answers_are_not_spoilt(five: JtlCaller, kind: Any) -> None:
    """A single customer, and the arrays around it, are shown as they are."""
    paths = ("/customers/1", "/companies", "/customers/9")
    plain = [five.request("GET", path).content for path in paths]
    five.app.faults = Faults(strikes=(Strike(kind=kind, next=3),))
    assert [five.request("GET", path).content for path in paths] == plain


def test_forced_error_hits_one_customer(jtl: JtlCaller) -> None:
    """The named customer is refused as told by the number in the body and by its id; others are not."""
    jtl.create(Number="C-17")
    forced = Forced(status=422, error="BUSINESS_RULE", error_description="It cannot be.")
    jtl.app.faults = Faults(forced={"C-17": forced})
    expected = {"ErrorCode": "BUSINESS_RULE", "ErrorMessage": "It cannot be."}
    for answer in (jtl.create(Number="C-17"), jtl.patch(1), jtl.delete(1)):
        assert (answer.status_code, answer.json()) == (422, expected)
    assert jtl.create(Number="C-18").status_code == 201
    assert jtl.count() == 2


def test_forced_error_may_lack_its_keys(jtl: JtlCaller) -> None:
    """A key that is not given is left out."""
    jtl.app.faults = Faults(forced={"C-1": Forced(status=418)})
    answer = jtl.create()
    assert (answer.status_code, answer.json()) == (418, {})


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"Number": 5}'])
def test_forced_errors_do_not_mind_a_broken_body(jtl: JtlCaller, body: bytes) -> None:
    """A create that names nobody is refused for what it is."""
    jtl.app.faults = Faults(forced={"C-1": Forced(status=418)})
    answer = jtl.request("POST", "/customers", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


def test_read_lag_hides_new_customers(jtl: JtlCaller, time: FakeTime) -> None:
    """Within the lag a new customer is written, but neither shown nor listed, though its number is taken."""
    time.seconds += 100
    jtl.app.faults = Faults(read_lag_seconds=5)
    jtl.create()
    assert jtl.get("/1").status_code == 404
    assert [jtl.get(**query).json()["TotalItems"] for query in ({}, {"number": "C-1"})] == [0, 0]
    assert jtl.create().status_code == 409
    assert jtl.patch(1, Website="x").status_code == 201
    time.seconds += 5
    assert jtl.get("/1").json()["Website"] == "x"
    assert [jtl.get(**query).json()["TotalItems"] for query in ({}, {"number": "C-1"})] == [1, 1]


def test_read_lag_shows_the_version_before(jtl: JtlCaller, time: FakeTime) -> None:
    """Within the lag of an update, or of a second one right after it, the customer is found as it was before."""
    jtl.create()
    jtl.app.faults = Faults(read_lag_seconds=5)
    jtl.patch(1, Number="C-2")
    time.seconds += 1
    jtl.patch(1, Number="C-3")
    assert jtl.get("/1").json()["Number"] == "C-1"
    assert [jtl.get(number=f"C-{n}").json()["TotalItems"] for n in (1, 2, 3)] == [1, 0, 0]
    time.seconds += 5
    assert [jtl.get(number=f"C-{n}").json()["TotalItems"] for n in (1, 2, 3)] == [0, 0, 1]


def test_deletion_is_seen_despite_the_lag(jtl: JtlCaller) -> None:
    """A deleted customer is gone at once."""
    jtl.create()
    jtl.app.faults = Faults(read_lag_seconds=5)
    jtl.patch(1, Website="x")
    jtl.delete()
    assert jtl.get("/1").status_code == 404
    assert jtl.get(number="C-1").json()["TotalItems"] == 0


def _rate(answer: httpx.Response) -> list[str | None]:
    names = ("limit", "interval-length-seconds", "remaining")
    return [answer.headers.get(f"x-ratelimit-{name}") for name in names]


def test_rate_limit_is_told_on_every_answer(jtl: JtlCaller, time: FakeTime) -> None:
    """Limit, interval and what remains are headers of good answers and bad ones; a 429 has none left."""
    jtl.app.faults = Faults(rate_limit=3)
    assert [_rate(jtl.get()), _rate(jtl.get("/9"))] == [["3", "1", "2"], ["3", "1", "1"]]
    jtl.headers.pop("x-tenant-id")
    assert _rate(jtl.get()) == ["3", "1", "0"]
    answer = jtl.get()
    assert refusal(answer) == (429, "RATE_LIMIT_EXCEEDED")
    assert (_rate(answer), answer.headers["retry-after"]) == (["3", "1", "0"], "1")
    time.seconds += 1
    assert _rate(jtl.get()) == ["3", "1", "2"]
    time.seconds += 1 / 3
    assert [_rate(jtl.get())[2] for _ in range(3)] == ["2", "1", "0"]


def test_slow_rate_limits_have_a_longer_interval(jtl: JtlCaller) -> None:
    """One request in four seconds is a limit of one in an interval of four."""
    jtl.app.faults = Faults(rate_limit=0.25)
    assert _rate(jtl.get()) == ["1", "4", "0"]


def test_refused_requests_are_not_carried_out(jtl: JtlCaller) -> None:
    """A limit of nothing refuses the first write, and says that none remain."""
    jtl.app.faults = Faults(rate_limit=0)
    answer = jtl.create()
    assert (answer.status_code, _rate(answer)) == (429, [None, None, "0"])
    assert jtl.count() == 0


def test_no_limit_is_not_told(jtl: JtlCaller) -> None:
    """Without a rate limit there is no word about one."""
    assert _rate(jtl.get()) == [None, None, None]


def test_tokens_are_spared_unless_told(jtl: JtlCaller) -> None:
    """Limits and strikes leave the token alone, and hit it where that is asked for."""
    strikes = (Strike(kind="error", probability=1),)
    jtl.app.faults = Faults(rate_limit=1)
    assert [jtl.ask_token().status_code for _ in range(3)] == [200] * 3
    assert _rate(jtl.get()) == ["1", "1", "0"]
    jtl.app.faults = Faults(strikes=strikes, strike_login=True)
    assert jtl.ask_token().status_code == 503
    jtl.app.faults = Faults(rate_limit=1, strike_login=True)
    assert [jtl.ask_token().status_code, jtl.get().status_code] == [200, 429]


@pytest.mark.parametrize(
    ("given", "shown"), [("2020-01-09T00:00:00Z", "2020-01-09T00:00:00.0000000+00:00"), (None, None)]
)
def test_last_change_of_ones_own(jtl: JtlCaller, given: str | None, shown: str | None) -> None:
    """A seeded customer may be dated, or have no LastChange; then no filter by it lets the customer in."""
    seeded = jtl.request("POST", "/sandbox/customers", json=[CUSTOMER | {"LastChange": given}])
    assert (seeded.status_code, seeded.json()) == (201, {"created": 1})
    assert jtl.get("/1").json()["LastChange"] == shown
    found = [
        jtl.get(**{name: "2020-01-09T00:00:00Z"}).json()["TotalItems"] for name in ("lastChangeFrom", "lastChangeTo")
    ]
    assert found == ([1, 1] if given else [0, 0])


def test_seeding_refuses_as_a_create_does(jtl: JtlCaller) -> None:
    """A seeded customer goes through the same rules, dates included."""
    for fields in ({"LastChange": "soon"}, {"CustomerSince": "soon"}, {"Colour": "red"}):
        assert wrong(jtl.request("POST", "/sandbox/customers", json=[CUSTOMER | fields])) == list(fields)
    jtl.create()
    assert refusal(jtl.request("POST", "/sandbox/customers", json=[CUSTOMER])) == (409, "CONFLICT")
    assert jtl.count() == 1


def test_reset_forgets_customers(jtl: JtlCaller) -> None:
    """After a reset there is nobody, and numbers are free."""
    jtl.create()
    jtl.request("POST", "/sandbox/reset")
    assert jtl.count() == 0
    jtl.log_in()
    assert jtl.create().status_code == 201


def test_control_route_shows_what_lists_show(open_jtl: OpenJtl) -> None:
    """The customers behind the API are the objects of the API, lag or not."""
    jtl = open_jtl(faults=Faults(read_lag_seconds=5))
    created = jtl.create().json()
    assert jtl.request("GET", "/sandbox/customers").json() == [created]


def test_catalogue_opens_it_with_its_defaults() -> None:
    """The catalogue names the system, and its credentials let in on a real socket."""
    opened = open_sandbox("jtl")
    assert SYSTEMS["jtl"] == "JTL-Wawi"
    with running(opened.app) as url, httpx.Client(trust_env=False) as client:
        given = {name: text.format(base_url=url) for name, text in opened.credentials.items()}
        auth = (given["client_id"], given["client_secret"])
        token = client.post(given["token_url"], data=GRANT, auth=auth).json()["access_token"]
        headers = {"authorization": f"Bearer {token}", "x-tenant-id": given["tenant_id"]}
        assert client.post(f"{url}/customers", json=CUSTOMER, headers=headers).status_code == 201
        assert client.delete(f"{url}/customers/1", headers=headers).status_code == 204


def test_truncated_answers_come_after_the_commit() -> None:
    """A connection that breaks in the middle of an answer leaves the customer behind."""
    app = jtl_app(faults=Faults(strikes=(Strike(kind="truncate", next=1),)))
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        token = client.post("/oauth2/token", data=GRANT, auth=("sandbox", "sandbox")).json()["access_token"]
        headers = {"authorization": f"Bearer {token}", "x-tenant-id": TENANT}
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/customers", json=CUSTOMER, headers=headers)
    assert [customer["Number"] for customer in app.vendor.customers("")] == ["C-1"]
