"""Lists that the sandbox spoils on purpose, customers with dates of one's own, and answers that never end."""

from __future__ import annotations

import gzip
import io
import time as real_time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from connectors.sandbox.exchange import gzip_bomb
from connectors.sandbox.fault import FaultPlan, Faults, Strike
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from tests.connectors.sandbox.caller import CUSTOMERS, LOGIN, Caller, FakeTime


@pytest.fixture
def five(api: Caller) -> Caller:
    """Give five customers, dated so that their order by last update is another than that of their creation."""
    for number in range(5):
        fields = {"reference": f"C-{number}", "name": "Ada", "lastUpdated": f"2020-01-0{9 - number}T00:00:00Z"}
        assert api.app.vendor.add(fields).applied
    return api


def _struck(api: Caller, kind: str, **query: str | int) -> tuple[list[str], object]:
    api.app.faults = Faults(strikes=(Strike(kind=kind, next=1, location="http://else.invalid/"),))  # type: ignore[arg-type]  # pydantic checks
    content = api.get(**query).json()
    return [customer["reference"][2:] for customer in content["data"]], content["paging"]["next"]


def test_spoilt_lists(five: Caller) -> None:
    """Each kind spoils the one thing that it names; the total stays."""
    link = "/api/v2.1/customers?max=2&offset={}&sort=dateCreated&order=asc"
    assert _struck(five, "no_customers", max=2, offset=2) == ([], link.format(4))
    assert _struck(five, "fewer", max=2, offset=2) == (["2"], link.format(4))
    assert _struck(five, "no_next", max=2, offset=2) == (["2", "3"], None)
    assert _struck(five, "next", max=2, offset=4) == (["4"], "http://else.invalid/")
    assert _struck(five, "first_page", max=2, offset=2, reference="C-4") == (["0", "1"], link.format(2))
    assert five.get(max=2).json()["paging"]["total"] == 5


@pytest.mark.parametrize("kind", ["no_customers", "fewer", "no_next", "next", "first_page"])
def test_other_answers_are_not_spoilt(five: Caller, kind: str) -> None:
    """A single customer is shown as it is."""
    plain = five.get("/reference/C-1").json()
    five.app.faults = Faults(strikes=(Strike(kind=kind, next=1),))  # type: ignore[arg-type]  # pydantic checks
    assert five.get("/reference/C-1").json() == plain


def test_dates_of_ones_own(five: Caller) -> None:
    """Dates that were given are shown, sorted and filtered by; an empty one is null, and no filter lets it in."""
    five.app.vendor.add({"reference": "C-5", "name": "Bob", "lastUpdated": "", "dateCreated": "2019-01-01T00:00:00Z"})
    shown = five.get("/reference/C-5").json()
    assert (shown["lastUpdated"], shown["dateCreated"]) == (None, "2019-01-01T00:00:00Z")
    ordered = five.get(sort="lastUpdated").json()["data"]
    assert [customer["reference"] for customer in ordered] == ["C-5", "C-4", "C-3", "C-2", "C-1", "C-0"]
    later = five.get(lastUpdated_gte="2020-01-08T00:00:00Z").json()["data"]
    assert [customer["reference"] for customer in later] == ["C-0", "C-1"]


def test_skip_lets_the_first_ones_pass(time: FakeTime) -> None:
    """A strike that skips two hits from the third request on, and counts only those of its methods."""
    plan = FaultPlan(Faults(strikes=(Strike(kind="drop", skip=2, next=1, methods=("GET",)),)), time.clock)
    hits = [plan.strike(method) is not None for method in ("GET", "POST", "GET", "POST", "GET", "GET")]
    assert hits == [False, False, False, False, True, False]


def test_answers_tell_the_sandboxs_own_time(api: Caller, time: FakeTime) -> None:
    """The Date header is of the clock that dates the customers, to the second."""
    time.seconds += 3600
    assert parsedate_to_datetime(api.get().headers["date"]) == time.now().replace(microsecond=0)


def test_the_bomb_is_large_and_small() -> None:
    """It unpacks to 200 MB of blanks."""
    size = 0
    with gzip.open(io.BytesIO(gzip_bomb())) as unpacked:
        while chunk := unpacked.read(1_000_000):
            size += len(chunk)
    assert (size, len(gzip_bomb()) < 300_000) == (200_000_000, True)


def test_on_a_real_socket() -> None:
    """There is one Date header; the bomb says what it is; a dripping answer comes byte by byte, until one leaves."""
    app = valomnia_app()
    with running(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        client.post("/j_spring_security_check", data=LOGIN)
        assert len(client.get(CUSTOMERS).headers.get_list("date")) == 1
        app.faults = Faults(strikes=(Strike(kind="bomb", next=1), Strike(kind="drip", next=1)))
        with client.stream("GET", CUSTOMERS) as bomb:
            assert bomb.headers["content-encoding"] == "gzip"
        began = real_time.monotonic()
        with client.stream("GET", CUSTOMERS) as dripping:
            chunks = dripping.iter_raw()
            assert [len(next(chunks)) for _ in range(3)] == [1, 1, 1]
        assert 0.4 <= real_time.monotonic() - began < 2
        assert [entry.ending for entry in app.journal.entries[-2:]] == ["answered", "dripped"]
        assert client.get(CUSTOMERS).status_code == 200
