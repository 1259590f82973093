"""The tradevest target against small apps that answer as the vendor's pages say, and as they do not."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from connectors.delivery.courier import Courier
from connectors.delivery.gate import Gate
from connectors.protocol import (
    Answer,
    ConnectorError,
    CredentialsError,
    Held,
    IdTarget,
    PermanentError,
    Refusal,
    Roll,
    Row,
    Surprise,
    TransientError,
)
from connectors.tradevest.target import TradevestTarget
from tests.connectors.tradevest.app import (
    CUSTOMERS,
    ENTITY,
    ID,
    ORIGIN,
    OTHER,
    REQUESTOR,
    SETTINGS,
    App,
    AppTransport,
    Platform,
    always,
    customer,
    listed,
    perform,
    problem,
)

NEW = Row(ENTITY, {"entityType": "NATURAL_PERSON", "labels": ["a"]})
KNOWN = Row(ENTITY, {"entityType": "NATURAL_PERSON", "labels": ["a"]}, ID)
PLAIN = Row(ENTITY, {"entityType": "NATURAL_PERSON"}, ID)


def send(app: App, row: Row) -> tuple[Answer, httpx.Request]:
    """Send one row; gives the answer and the last request."""
    answer, transport = perform(Platform(app), lambda target: target.send(row))
    return answer, transport.seen[-1]


def look_up(app: App, row: Row) -> Held | None:
    """Look one row up."""
    return perform(Platform(app), lambda target: target.look_up(row))[0]


def test_it_is_a_target_with_ids() -> None:
    """Delivery looks customers up before it creates them; nothing they name has a list."""
    target = TradevestTarget(SETTINGS)
    assert isinstance(target, IdTarget)
    assert asyncio.run(target.entities("customer")) is None
    assert target.settling_seconds == 5.0


# Signing in


def test_tokens_come_from_their_own_origin() -> None:
    """Entering asks for one, with the credentials in the form; requests carry it to the API alone."""
    answer, transport = perform(Platform(always(200, {"customerId": ID})), lambda target: target.send(NEW))
    assert answer.target_id == ID
    assert [str(request.url) for request in transport.seen] == [
        "https://auth.tradevest.example/connect/token",
        f"{ORIGIN}{CUSTOMERS}",
    ]
    assert transport.seen[-1].headers["Authorization"] == "Bearer token-1"
    assert transport.requests == 2


def test_an_ended_token_is_renewed_once() -> None:
    """Thirty requests whose token is refused share one sign-in."""
    platform = Platform(always(200, {"customerId": ID}))

    async def act(target: TradevestTarget) -> list[Answer]:
        platform.live.clear()
        return list(await asyncio.gather(*(target.send(NEW) for _ in range(30))))

    answers, transport = perform(platform, act)
    assert len(answers) == 30
    assert platform.logins == 2
    assert transport.requests == 1 + 30 + 1 + 30


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_are_told_on_entering(status: int) -> None:
    """Without showing them."""
    with pytest.raises(CredentialsError) as caught:
        perform(always(status, {"error": "invalid_client"}), lambda target: target.send(NEW))
    assert "canary" not in repr(caught.value)


# Creating


def test_a_create_is_taken_in_for_a_later_decision() -> None:
    """It is one POST with the requestor; the id is known at once, the decision is not."""
    answer, request = send(always(200, {"customerId": ID.upper()}), NEW)
    assert answer == Answer(200, ID, created=True, pending=True)
    assert (request.method, request.url.path) == ("POST", CUSTOMERS)
    assert request.headers["Requestor-ID"] == REQUESTOR
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {"entityId": ENTITY, "entityType": "NATURAL_PERSON", "labels": ["a"]}


@pytest.mark.parametrize(
    "content",
    [None, b"<html>", b"[]", b"{}", {"customerId": 7}, {"customerId": "7"}, {"customerId": ID, "entityId": OTHER}],
)
def test_a_create_without_proof_is_no_success(content: object) -> None:
    """An answer must show the new id, and no other entity."""
    with pytest.raises(TransientError, match="tradevest: create"):
        send(always(200, content), NEW)


def test_an_entity_that_is_a_customer_already_is_a_surprise() -> None:
    """409 says so, with the vendor's reason in case nobody is found."""
    answer, _ = send(always(409, problem(message="Taken", errorCode="ALREADY_EXISTS_ERROR")), NEW)
    refusal = Refusal("ALREADY_EXISTS_ERROR", "", "Taken")
    assert answer == Answer(409, refusals=(refusal,), surprise=Surprise.EXISTS)


@pytest.mark.parametrize("row", [NEW, KNOWN])
def test_a_refusal_is_a_value(row: Row) -> None:
    """It carries code, field and words."""
    answer, _ = send(always(400, problem(("labels[0]", "SIZE", "too long"))), row)
    assert answer == Answer(400, refusals=(Refusal("SIZE", "labels", "too long"),))


@pytest.mark.parametrize(
    "row", [Row("C-1"), Row(""), Row(".."), Row("a\nb"), Row(ENTITY, target_id=".."), Row(ENTITY, {"labels": "a"})]
)
def test_what_cannot_be_a_request_is_refused_without_one(row: Row) -> None:
    """Only the sign-in goes out."""
    answer, transport = perform(Platform(always(200)), lambda target: target.send(row))
    assert answer.status is None
    assert len(answer.refusals) == 1
    assert transport.requests == 1


# Updating


@pytest.mark.parametrize(("status", "pending"), [(200, True), (202, True), (204, False)])
def test_an_update_is_one_patch_of_labels(status: int, *, pending: bool) -> None:
    """What says nothing of having been carried out is asked for later; 204 says that there is nothing to show."""
    answer, request = send(always(status), Row(ENTITY, {"entityId": ENTITY, "labels": ["a"]}, ID))
    assert answer == Answer(status, ID, created=False, pending=pending)
    assert (request.method, request.url.path) == ("PATCH", f"{CUSTOMERS}/{ID}")
    assert request.headers["Requestor-ID"] == REQUESTOR
    assert json.loads(request.content) == {"labels": ["a"]}


@pytest.mark.parametrize(
    ("values", "pending"),
    [
        ({"entityType": "NATURAL_PERSON"}, True),
        ({"refAccounts.iban": ["DE02120300000000202051"]}, True),
        ({"refAccounts.iban": []}, True),
        ({"entityType": None, "refAccounts.iban": None}, False),
        ({}, False),
    ],
)
def test_what_an_update_cannot_take_is_compared_before_it_counts(values: dict[str, object], *, pending: bool) -> None:
    """204 proves the labels alone: only a look-up tells whether the platform holds another type or other accounts."""
    row = Row(ENTITY, {"entityId": ENTITY, "labels": ["a"], **values}, ID)
    assert send(always(204), row)[0] == Answer(204, ID, created=False, pending=pending)


def test_another_type_is_refused_after_an_update_without_an_answer_to_show() -> None:
    """The labels arrived, and the customer is told all the same: its type is not the row's."""

    def app(request: httpx.Request) -> httpx.Response:
        shown = customer(entityType="LEGAL_ENTITY", labels=["a"])
        return httpx.Response(204) if request.method == "PATCH" else httpx.Response(200, json=shown)

    async def act(target: TradevestTarget) -> list[Answer]:
        groups = Courier(target, Gate(concurrency=1)).deliver([KNOWN], lambda: None)
        return [delivery.answer async for group in groups for delivery in group]

    ((answer,), _) = perform(Platform(app), act)
    assert [(refusal.code, refusal.field) for refusal in answer.refusals] == [("not_updatable", "entityType")]


@pytest.mark.parametrize("content", [b"<html>", b"{}", customer(customerId=OTHER), customer(entityId=OTHER)])
def test_an_update_that_answers_something_else_is_no_success(content: object) -> None:
    """A body must show this very customer."""
    with pytest.raises(TransientError, match="tradevest: update"):
        send(always(200, content), KNOWN)
    assert send(always(200, customer()), KNOWN)[0].target_id == ID


@pytest.mark.parametrize("row", [KNOWN, PLAIN])
def test_an_update_of_nobody_is_a_surprise(row: Row) -> None:
    """404 says so, whether labels were sent or the customer was only asked for."""
    answer, _ = send(always(404, problem(message="Customer not found", errorCode="NOT_FOUND_ERROR")), row)
    assert (answer.surprise, answer.refusals[0].code) == (Surprise.GONE, "NOT_FOUND_ERROR")


def test_without_labels_the_customer_is_asked_for() -> None:
    """There is nothing that an update could take: one GET proves that the customer is there."""
    answer, request = send(always(200, customer()), PLAIN)
    assert answer == Answer(200, ID, created=False)
    assert (request.method, request.url.path) == ("GET", f"{CUSTOMERS}/{ID}")


def test_without_labels_a_customer_may_still_be_undecided_or_turned_down() -> None:
    """As a look-up would tell."""
    assert send(always(200, customer(customerStatus="RECEIVED")), PLAIN)[0].pending
    (refusal,) = send(always(200, customer(customerStatus="REJECTED")), PLAIN)[0].refusals
    assert refusal.code == "REJECTED"


@pytest.mark.parametrize("content", [None, b"<html>", customer(customerId=OTHER), customer(entityId=OTHER)])
def test_without_labels_an_answer_must_show_the_customer(content: object) -> None:
    """As anywhere else."""
    with pytest.raises(TransientError, match="tradevest: look-up"):
        send(always(200, content), PLAIN)


@pytest.mark.parametrize("row", [NEW, KNOWN, PLAIN])
@pytest.mark.parametrize(
    ("status", "kind"), [(301, PermanentError), (403, CredentialsError), (501, PermanentError), (500, TransientError)]
)
def test_a_failing_platform_is_an_error(row: Row, status: int, kind: type[ConnectorError]) -> None:
    """Whatever the row asked for, and without anything of the customer."""
    with pytest.raises(kind, match=f"status {status}") as caught:
        send(always(status, problem(message="canary"), Location="https://elsewhere.example"), row)
    assert not [text for text in ("canary", ENTITY, ID, "elsewhere") if text in repr(caught.value)]


# Looking up


def test_a_known_id_is_looked_up_by_it() -> None:
    """404 may be a customer that is not visible yet; anything unclear is no answer."""
    assert look_up(always(200, customer(labels=["a"])), KNOWN) == Held(ID)
    assert look_up(always(200, customer(labels=["b"])), KNOWN) == Held(ID, ("labels",))
    assert look_up(always(404, problem()), KNOWN) is None
    for app in (always(400, problem()), always(200, customer(entityId=OTHER)), always(200)):
        with pytest.raises(TransientError):
            look_up(app, KNOWN)


def test_a_reference_is_looked_up_by_the_filter() -> None:
    """In lower case, as answers show it; others count, and those that are invalid do not."""
    seen: list[httpx.URL] = []

    def app(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        invalid = customer(customerId=OTHER, customerStatus="INVALID")
        return httpx.Response(200, json=listed(invalid, customer(labels=["a"]), customer(customerId=OTHER)))

    assert look_up(app, Row(ENTITY.upper(), NEW.values)) == Held(ID, others=1)
    assert dict(seen[0].params) == {"limit": "100", "entityId": ENTITY}


@pytest.mark.parametrize("shown", [[], [customer(customerStatus="INVALID")]])
def test_an_entity_without_a_valid_customer_is_not_held(shown: list[dict[str, object]]) -> None:
    """What is invalid is removed later."""
    assert look_up(always(200, listed(*shown)), NEW) is None


def test_what_is_no_uuid_is_held_nowhere() -> None:
    """It was never sent, so nobody is asked."""
    assert look_up(always(500), Row("C-1")) is None
    assert look_up(always(500), Row(ENTITY, target_id="../1")) is None


@pytest.mark.parametrize("content", [listed(customer(entityId=OTHER)), listed(customer(entityId=OTHER), cursor="next")])
def test_a_filter_that_is_not_kept_proves_no_absence(content: object) -> None:
    """The job stops, and names the filter."""
    with pytest.raises(PermanentError, match="filter entityId"):
        look_up(always(200, content), NEW)


def test_an_entity_is_looked_for_behind_empty_answers() -> None:
    """A cursor says that more comes; where it never ends, nothing is concluded."""

    def app(request: httpx.Request) -> httpx.Response:
        last = request.url.params.get("cursor") == "2"
        following = str(len(request.url.params.get("cursor", "")) + 1)
        return httpx.Response(200, json=listed(customer()) if last else listed(cursor=following))

    assert look_up(app, Row(ENTITY)) == Held(ID)
    with pytest.raises(TransientError, match="no end"):
        look_up(always(200, listed(cursor="again")), NEW)


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (always(404, problem()), PermanentError),
        (always(400, problem()), PermanentError),
        (always(200, {"data": {}}), TransientError),
        (always(200, listed(customer(customerId="7"))), TransientError),
    ],
)
def test_a_look_up_that_is_answered_oddly_proves_nothing(app: App, kind: type[ConnectorError]) -> None:
    """Neither presence nor absence."""
    with pytest.raises(kind):
        look_up(app, NEW)


# The list


def roll(app: App, *cursors: str | None) -> list[Roll]:
    """Ask for parts of the list, one after the other."""

    async def act(target: TradevestTarget) -> list[Roll]:
        return [await target.roll(cursor) for cursor in cursors]

    return perform(Platform(app), act)[0]


def test_the_list_tells_ids_by_entity() -> None:
    """Each part shows who is valid in it, and where it goes on; nobody promises that parts fit together."""

    def app(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("cursor") == "x&y":
            return httpx.Response(200, json=listed(cursor=None))
        twin, invalid = customer(customerId=OTHER), customer(customerStatus="INVALID", entityId=OTHER)
        return httpx.Response(200, json=listed(customer(entityId=ENTITY.upper()), twin, invalid, cursor="x&y"))

    first, last = roll(app, None, "x&y")
    assert first == Roll({ENTITY: (ID, OTHER)}, "x&y", steady=False)
    assert last == Roll({}, None, steady=False)


@pytest.mark.parametrize("pagination", [{}, {"cursor": None}, {"cursor": ""}])
def test_the_end_of_the_list_has_many_faces(pagination: dict[str, object]) -> None:
    """No page tells which it is."""
    assert roll(always(200, {"data": [], "pagination": pagination}), None) == [Roll({}, None, steady=False)]


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]])
def test_cursors_that_do_not_lead_on_stop_the_job(cursors: list[str]) -> None:
    """The same one again, at once or later, would have no end."""
    upcoming = iter(cursors)

    def app(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=listed(cursor=next(upcoming)))

    with pytest.raises(PermanentError, match="circle"):
        roll(app, None, *cursors[:-1])


def test_a_part_may_be_asked_for_again() -> None:
    """A try without an answer is no circle, and the list may be begun anew."""
    following = {None: "a", "a": "b"}

    def app(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=listed(cursor=following[request.url.params.get("cursor")]))

    assert [part.cursor for part in roll(app, None, "a", "a", None, "a")] == ["a", "b", "b", "a", "b"]


def test_a_cursor_that_has_expired_ends_the_list() -> None:
    """Several parts that do not fit together exclude nobody, so nothing is lost by it."""
    assert roll(always(400, problem()), "old") == [Roll({}, None, steady=False)]
    with pytest.raises(PermanentError, match="refused"):
        roll(always(400, problem()), None)


@pytest.mark.parametrize(
    "content", [None, b"<html>", {"data": []}, {"data": [7], "pagination": {}}, listed(customer(entityId="C-1"))]
)
def test_a_list_that_is_none_excludes_nobody(content: object) -> None:
    """Nor does a customer who cannot be told."""
    with pytest.raises(TransientError, match="no list of customers"):
        roll(always(200, content), None)


def test_the_limit_is_a_setting() -> None:
    """As no page tells how much may be asked for."""
    transport = AppTransport(Platform(always(200, listed())))

    async def main() -> None:
        async with TradevestTarget(SETTINGS.model_copy(update={"page_limit": 7}), transport) as target:
            await target.roll(None)

    asyncio.run(main())
    assert transport.seen[-1].url.params["limit"] == "7"
