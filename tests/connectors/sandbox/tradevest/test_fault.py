"""Faults as tradevest's form has them, and the sandbox on a real socket."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.sandbox.catalogue import SYSTEMS, open_sandbox
from connectors.sandbox.fault import Faults, Forced, Strike
from connectors.sandbox.server import running
from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.vendor import tradevest_app
from tests.connectors.sandbox.tradevest.caller import (
    CREDENTIALS,
    CUSTOMERS,
    REQUESTOR,
    Caller,
    entities,
    entity,
    read_error,
    refusal,
)


@pytest.fixture
def five(api: Caller) -> Caller:
    """Give five customers."""
    for number in range(1, 6):
        api.created(number)
    return api


def _strike(api: Caller, kind: Any, **strike: Any) -> None:
    api.app.faults = Faults(strikes=(Strike(kind=kind, next=1, **strike),))


def _struck(api: Caller, kind: str, **query: Any) -> tuple[list[int], str]:
    _strike(api, kind, location="http://else.invalid/")
    answer = api.list(**query)
    return entities(answer), answer.json()["pagination"]["cursor"]


def test_spoilt_lists(five: Caller) -> None:
    """Each kind spoils the one thing that it names; the cursor takes the place of a link."""
    cursor = five.list(limit=2).json()["pagination"]["cursor"]
    after = five.list(limit=2, cursor=cursor).json()["pagination"]["cursor"]
    assert _struck(five, "no_customers", limit=2, cursor=cursor) == ([], after)
    assert _struck(five, "fewer", limit=2, cursor=cursor) == ([3], after)
    assert _struck(five, "no_next", limit=2, cursor=cursor) == ([3, 4], "")
    assert _struck(five, "next", limit=2, cursor=cursor) == ([3, 4], "http://else.invalid/")
    assert _struck(five, "first_page", limit=2, cursor=cursor) == ([1, 2], cursor)
    assert _struck(five, "first_page", entityId=entity(4)) == ([1, 2, 3, 4, 5], "")


@pytest.mark.parametrize("kind", ["no_customers", "fewer", "no_next", "next", "first_page"])
def test_other_answers_are_not_spoilt(five: Caller, kind: str) -> None:
    """A single customer, an error, a create and an empty answer are as they are, and a create happens once."""
    customer_id = five.list().json()["data"][0]["customerId"]
    plain = five.show(customer_id).json()
    _strike(five, kind)
    assert five.show(customer_id).json() == plain
    _strike(five, kind)
    assert refusal(five.list(limit=0))[0] == 400
    _strike(five, kind)
    assert five.patch(customer_id, labels=["a"]).content == b""
    _strike(five, kind)
    assert five.create(6).json().keys() == {"customerId"}
    assert len(five.app.vendor.customers("")) == 6


def test_stranger_is_an_answer_about_somebody_else(five: Caller) -> None:
    """A create and a customer are answered with other ids; lists, errors and empty answers have none to mistake."""
    _strike(five, "stranger")
    told = five.create(6).json()["customerId"]
    real = five.list(entityId=entity(6)).json()["data"][0]
    assert told != real["customerId"]
    _strike(five, "stranger")
    shown = five.show(real["customerId"]).json()
    assert (shown["customerId"], shown["customerId"] == told) == (told, True)
    assert shown == real | {"customerId": told, "entityId": shown["entityId"]}
    assert shown["entityId"] != real["entityId"]
    five.app.faults = Faults(strikes=(Strike(kind="stranger", next=3),))
    assert entities(five.list()) == [1, 2, 3, 4, 5, 6]
    assert refusal(five.show(told))[0] == 404
    assert five.patch(real["customerId"], labels=["a"]).status_code == 202


def test_server_error_is_an_error_message(api: Caller) -> None:
    """A failure of the vendor has its form under any status."""
    for status in (500, 503):
        _strike(api, "error", status=status)
        assert refusal(api.list()) == (status, "SERVER_ERROR", "INTERNAL_ERROR")


def test_rate_limit_is_an_error_message(api: Caller) -> None:
    """A request too many is 429 with a Retry-After, and is not carried out; tokens are spared."""
    api.app.faults = Faults(rate_limit=0, retry_after_seconds=3)
    answer = api.create()
    assert refusal(answer) == (429, "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS_ERROR")
    assert answer.headers["retry-after"] == "3"
    assert api.token().status_code == 200
    assert api.app.vendor.customers("") == []


def test_strikes_spare_the_tokens_unless_told(api: Caller) -> None:
    """A target that is down gives no tokens only where that is asked for."""
    strikes = (Strike(kind="error", probability=1),)
    api.app.faults = Faults(strikes=strikes)
    assert (api.token().status_code, api.list().status_code) == (200, 503)
    api.app.faults = Faults(strikes=strikes, strike_login=True)
    assert api.token().status_code == 503


def test_forced_answers_go_by_the_entity(api: Caller) -> None:
    """One entity's create, and writes to its customer, are answered as told; reads and others are not."""
    customer_id, other = api.created(1), api.created(2)
    forced = Forced(status=400, error="SOME_ERROR", error_description="No.")
    api.app.faults = Faults(forced={entity(1): forced, entity(3): forced})
    for answer in (api.patch(customer_id, labels=["a"]), api.create(3), api.create(entityId=entity(1).upper())):
        assert refusal(answer) == (400, "VALIDATION_ERROR", "SOME_ERROR")
        assert read_error(answer)["message"] == "No."
    assert api.show(customer_id).json()["labels"] == []
    assert api.patch(other, labels=["a"]).status_code == 202
    assert api.create(4).status_code == 200


def test_forced_error_may_lack_what_it_should_have(api: Caller) -> None:
    """Without a code and a description an error has neither key."""
    api.app.faults = Faults(forced={entity(1): Forced(status=418, after_commit=True)})
    answer = api.create()
    assert (answer.status_code, answer.json().keys()) == (418, {"responseType", "requestId"})
    assert len(api.app.vendor.customers("")) == 1


def test_forced_answer_waits_for_the_token(api: Caller) -> None:
    """Who has no token is told so, and not what is forced."""
    api.app.faults = Faults(forced={entity(1): Forced(times=1)})
    api.headers = {}
    assert api.create().status_code == 401
    api.log_in()
    assert api.create().status_code == 400


def test_lost_answer_of_a_create(api: Caller) -> None:
    """A create whose answer is lost has happened: its entity is found, and a second one is a 409."""
    _strike(api, "drop", after_commit=True)
    with pytest.raises(ConnectionAbortedError):
        api.create()
    assert entities(api.list(entityId=entity(1))) == [1]
    assert refusal(api.create())[0] == 409


def test_journal_names_the_entity_and_what_changed(api: Caller) -> None:
    """Creates and requests by id are noted under the entity; lists, tokens and unreadable bodies have none."""
    api.app.journal.clear()
    api.token()
    customer_id = api.created(1)
    api.show(customer_id)
    api.patch(customer_id.upper(), labels=["a"])
    api.patch(customer_id, labels=[""])
    api.create(entityId=7)
    api.create(entityId="me")
    api.request("POST", CUSTOMERS, content=b"{")
    api.list(entityId=entity(1))
    noted = [(entry.reference, entry.applied) for entry in api.app.journal.entries]
    one = entity(1)
    writes = [(one, True), (one, False), (one, True), (one, False), (None, False), ("me", False)]
    assert noted == [(None, False), *writes, (None, False), (None, False)]


def test_catalogue_has_the_sandbox() -> None:
    """It is opened by its kind, and its credentials get a token at the address that they name."""
    assert SYSTEMS["tradevest"] == "tradevest"
    opened = open_sandbox("tradevest", faults=Faults(rate_limit=1000))
    assert opened.app.faults.rate_limit == 1000
    assert opened.credentials.keys() == {"client_id", "client_secret", "token_url", "requestor_id"}
    with running(opened.app) as url, httpx.Client(trust_env=False) as client:
        form = {name: opened.credentials[name] for name in ("client_id", "client_secret")}
        token_url = opened.credentials["token_url"].format(base_url=url)
        answer = client.post(token_url, data={**form, "grant_type": "client_credentials"})
        assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_empty_answers_on_a_real_socket(status: int) -> None:
    """A PATCH without a body in its answer leaves the connection good for the next request."""
    with (
        running(tradevest_app(TradevestSettings(patch_status=status))) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        token = client.post("/oauth2/token", data=CREDENTIALS).json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        body = {"entityId": entity(1), "entityType": "NATURAL_PERSON"}
        customer_id = client.post(CUSTOMERS, json=body).json()["customerId"]
        answer = client.patch(f"{CUSTOMERS}/{customer_id}", json={"labels": ["a"]}, headers=REQUESTOR)
        assert (answer.status_code, answer.content) == (status, b"")
        assert "content-type" not in answer.headers
        assert client.get(f"{CUSTOMERS}/{customer_id}").json()["labels"] == ["a"]
