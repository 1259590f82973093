"""Faults in Keypro's own form: lists, strangers, forced answers and reads that lag."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.fault import Faults, Forced, Strike
from tests.connectors.sandbox.caller import FakeTime
from tests.connectors.sandbox.keypro.caller import CUSTOMERS, KeyproCaller, refusal
from tests.connectors.sandbox.keypro.conftest import Open

LINK = f"http://town.test{CUSTOMERS}?limit=2&offset="
ELSEWHERE = "http://else.invalid/"
LIST_KINDS = ("no_customers", "fewer", "no_next", "next", "first_page")


def _fill(api: KeyproCaller) -> KeyproCaller:
    for number in range(5):
        assert api.app.vendor.add({"customerNumber": f"C-{number}"}).applied
    return api


@pytest.fixture
def five(api: KeyproCaller) -> KeyproCaller:
    """Give five customers."""
    return _fill(api)


def _strike(api: KeyproCaller, kind: str) -> None:
    api.app.faults = Faults(strikes=(Strike(kind=kind, next=1, location=ELSEWHERE),))  # type: ignore[arg-type]  # pydantic checks


def _numbers(customers: list[dict[str, Any]]) -> str:
    return "".join(customer["customerNumber"][2:] for customer in customers)


@pytest.mark.parametrize(("envelope", "keys"), [("documented", ("Next", "Results")), ("lower", ("next", "results"))])
@pytest.mark.parametrize(
    ("kind", "query", "numbers", "link"),
    [
        ("no_customers", {"limit": 2, "offset": 2}, "", f"{LINK}4"),
        ("fewer", {"limit": 2, "offset": 2}, "2", f"{LINK}4"),
        ("no_next", {"limit": 2, "offset": 2}, "23", None),
        ("next", {"limit": 2, "offset": 4}, "4", ELSEWHERE),
        ("first_page", {"limit": 2, "offset": 2, "customerNumber": "C-4"}, "01", f"{LINK}2"),
    ],
)
def test_spoilt_lists(  # noqa: PLR0917 - parameters of the test
    open_api: Open,
    envelope: str,
    keys: tuple[str, str],
    kind: str,
    query: dict[str, Any],
    numbers: str,
    link: str | None,
) -> None:
    """Each kind spoils the one thing that it names, once, in the envelope of the setting."""
    api = _fill(open_api(envelope=envelope))
    plain = api.get(**query).json()
    _strike(api, kind)
    content = api.get(**query).json()
    assert (_numbers(content[keys[1]]), content[keys[0]]) == (numbers, link)
    assert list(content) == list(plain)
    assert api.get(**query).json() == plain


@pytest.mark.parametrize(
    ("kind", "numbers"), [("no_customers", ""), ("fewer", "2"), ("no_next", "23"), ("next", "23"), ("first_page", "01")]
)
def test_spoilt_bare_lists(open_api: Open, kind: str, numbers: str) -> None:
    """A bare array loses customers like any list; it has no link to lose."""
    api = _fill(open_api(envelope="bare"))
    _strike(api, kind)
    assert _numbers(api.get(limit=2, offset=2).json()) == numbers


@pytest.mark.parametrize("envelope", ["documented", "bare"])
@pytest.mark.parametrize("kind", LIST_KINDS)
@pytest.mark.parametrize("path", [f"{CUSTOMERS}2/", "/txt_constants/groupname/language/", f"{CUSTOMERS}?colour=red"])
def test_other_answers_are_not_spoilt(open_api: Open, envelope: str, kind: str, path: str) -> None:
    """A single customer, constants and a refusal are answered as they are."""
    api = _fill(open_api(envelope=envelope))
    plain = api.request("GET", path)
    _strike(api, kind)
    struck = api.request("GET", path)
    assert (struck.status_code, struck.content) == (plain.status_code, plain.content)
    assert api.app.journal.entries[-1].fault == kind


@pytest.mark.parametrize("kind", LIST_KINDS)
def test_writes_are_not_spoilt(api: KeyproCaller, kind: str) -> None:
    """A create, though it goes to the path of the list, is answered as it is."""
    _strike(api, kind)
    assert api.post(customerNumber="C-1").json() == api.show(1).json()


def test_stranger_is_an_answer_about_somebody_else(api: KeyproCaller) -> None:
    """The customer is written, and the answer bears another id and number."""
    _strike(api, "stranger")
    content = api.post(customerNumber="C-1", customerName="Aino").json()
    assert (content["id"], content["customerNumber"], content["customerName"]) == (2, "C-1-other", "Aino")
    assert _numbers(list(api.app.vendor.customers(""))) == "1"  # type: ignore[arg-type]  # mappings as dicts
    _strike(api, "stranger")
    assert api.patch(1, note="x").json()["id"] == 2


@pytest.mark.parametrize(("number", "other"), [(None, "-other"), ("", "-other")])
def test_stranger_without_a_number_gets_one(api: KeyproCaller, number: str | None, other: str) -> None:
    """A customer without a number is mistaken for one that has one."""
    _strike(api, "stranger")
    assert api.post(customerNumber=number).json()["customerNumber"] == other


def test_stranger_of_a_whole_number(open_api: Open) -> None:
    """Where numbers are whole numbers, the stranger's is one as well."""
    api = open_api(kinds={"customerNumber": "integer"})
    _strike(api, "stranger")
    assert api.post(customerNumber=17).json()["customerNumber"] == 18


def test_stranger_leaves_answers_without_a_customer(five: KeyproCaller) -> None:
    """A list, a deletion or an error has nothing to mistake."""
    five.app.faults = Faults(strikes=(Strike(kind="stranger", next=4),))
    assert _numbers(five.get().json()["Results"]) == "01234"
    assert refusal(five.show(99)) == (404, "Not found.")
    assert refusal(five.post(Type="x"))[0] == 400
    assert five.delete(1).status_code == 204


def test_server_error_is_in_the_vendors_form(api: KeyproCaller) -> None:
    """A failure has `details` under any status, and a Retry-After where one is given."""
    api.app.faults = Faults(strikes=(Strike(kind="error", next=1, status=502, retry_after="7"),))
    answer = api.post()
    assert refusal(answer) == (502, "A server error occurred.")
    assert answer.headers["retry-after"] == "7"
    assert api.count() == 0


def test_rate_limit_is_answered_429(api: KeyproCaller) -> None:
    """A request too many is not carried out, and told so in `details`."""
    api.app.faults = Faults(rate_limit=1, retry_after_seconds=3)
    api.get()
    answer = api.post()
    assert refusal(answer) == (429, "Request was throttled.")
    assert answer.headers["retry-after"] == "3"
    assert api.count() == 0


def test_strikes_hit_after_the_commit_too(api: KeyproCaller) -> None:
    """A create whose answer is lost is there all the same, and the next one is told that the number is taken."""
    api.app.faults = Faults(strikes=(Strike(kind="drop", next=1, after_commit=True),))
    with pytest.raises(ConnectionAbortedError):
        api.post(customerNumber="C-1")
    assert api.app.journal.entries[-1].applied
    assert api.post(customerNumber="C-1").json() == {
        "customerNumber": ["customer with this customerNumber already exists."]
    }


@pytest.mark.parametrize(
    ("forced", "status", "content"),
    [
        (Forced(status=400, error="customerName", error_description="No."), 400, {"customerName": ["No."]}),
        (Forced(status=409, error_description="Busy."), 409, {"details": "Busy."}),
        (Forced(status=418, error="teapot"), 418, {"details": "teapot"}),
        (Forced(status=422), 422, {}),
        (Forced(status=200, body="[]"), 200, []),
    ],
)
def test_forced_answers_have_the_vendors_form(api: KeyproCaller, forced: Forced, status: int, content: object) -> None:
    """A forced error is about a field where it has both texts, and about the request where it has one."""
    api.app.faults = Faults(forced={"C-1": forced})
    answer = api.post(customerNumber="C-1")
    assert (answer.status_code, answer.json()) == (status, content)
    assert api.count() == 0


def test_forced_error_hits_one_customer_by_number_and_by_id(five: KeyproCaller) -> None:
    """Creates are known by the number in their body, other requests by the id in their path; reads are spared."""
    five.app.faults = Faults(forced={"C-1": Forced(status=422), "C-9": Forced(status=423)})
    assert five.patch(2, note="x").status_code == 422
    assert five.delete(2).status_code == 422
    assert five.post(customerNumber=" C-9 ").status_code == 423
    assert (five.show(2).status_code, five.patch(3, note="x").status_code) == (200, 200)
    assert five.post(customerNumber="C-10").status_code == 201


def test_reads_can_be_forced(five: KeyproCaller) -> None:
    """One customer's own page can fail, where that is asked for."""
    five.app.faults = Faults(forced={"C-1": Forced(status=500, reads=True, times=1)})
    assert [five.show(2).status_code, five.show(2).status_code] == [500, 200]


def test_forced_answers_wait_for_the_token(api: KeyproCaller) -> None:
    """Who bears no token is told so, and not what is forced."""
    api.app.faults = Faults(forced={"C-1": Forced(times=1)})
    headers = {"Authorization": "Token x"}
    assert api.request("POST", CUSTOMERS, json={"customerNumber": "C-1"}, headers=headers).status_code == 401
    assert refusal(api.post(customerNumber="C-1")) == (400, {})


def test_read_lag_hides_new_customers(api: KeyproCaller, time: FakeTime) -> None:
    """Within the lag a new customer is neither shown nor listed, but it can be written and its number is taken."""
    api.app.faults = Faults(read_lag_seconds=5)
    assert api.post(customerNumber="C-1").status_code == 201
    assert api.show(1).status_code == 404
    assert api.get(customerNumber="C-1").json()["Results"] == api.get().json()["Results"] == []
    assert api.post(customerNumber="C-1").status_code == 400
    assert api.patch(1, note="x").json()["note"] == "x"
    time.seconds += 5
    assert api.show(1).json()["note"] == "x"
    assert len(api.get(customerNumber="C-1").json()["Results"]) == 1


def test_read_lag_shows_the_version_before(api: KeyproCaller, time: FakeTime) -> None:
    """Within the lag an update is not seen, nor a second one right after it; filters see what is shown."""
    api.post(customerNumber="C-1", customerName="Aino")
    api.app.faults = Faults(read_lag_seconds=5)
    api.patch(1, customerName="Bo", customerNumber="C-2")
    time.seconds += 1
    api.patch(1, customerName="Cai")
    assert api.show(1).json()["customerName"] == "Aino"
    assert [customer["customerName"] for customer in api.get(customerNumber="C-1").json()["Results"]] == ["Aino"]
    assert api.get(customerNumber="C-2").json()["Results"] == []
    assert api.post(customerNumber="C-1").status_code == 201
    time.seconds += 5
    assert api.show(1).json()["customerName"] == "Cai"


def test_deletion_is_seen_despite_the_lag(api: KeyproCaller) -> None:
    """A deleted customer is gone at once."""
    api.post(customerNumber="C-1")
    api.app.faults = Faults(read_lag_seconds=5)
    api.patch(1, note="x")
    api.delete(1)
    assert api.show(1).status_code == 404
    assert api.get().json()["Results"] == []
