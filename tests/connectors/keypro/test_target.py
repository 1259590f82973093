"""The Keypro target against small apps: what it sends, what it finds, and what it does not believe."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from decimal import Decimal

import httpx
import pytest

from connectors.keypro import KeyproSettings
from connectors.keypro.target import KeyproTarget
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    Entity,
    Held,
    IdTarget,
    PermanentError,
    Roll,
    Row,
    TransientError,
)
from tests.connectors.keypro.wire import (
    GIVEN,
    MISSING,
    ORIGIN,
    PREFIX,
    TOKEN,
    App,
    AppTransport,
    always,
    customer,
    envelope,
    look_up,
    perform,
    roll,
    send,
)


def enter(app: App, table: dict[str, str] | None = None) -> list[httpx.Request]:
    """Enter and leave a target."""
    transport = AppTransport(app)

    async def main() -> None:
        async with KeyproTarget(KeyproSettings.model_validate(GIVEN), table or {}, transport):
            pass

    asyncio.run(main())
    return transport.seen


# Entering


def test_entering_proves_the_token_with_one_request() -> None:
    """It is a list of one customer, with the token behind the mandatory word."""
    (request,) = enter(always(200, envelope()))
    assert (request.method, request.url.path) == ("GET", f"{PREFIX}/customers/")
    assert dict(request.url.params) == {"orderby": "id", "limit": "1"}
    assert request.headers["Authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (always(401, {"details": "Authentication credentials were not provided"}), CredentialsError),
        (always(403, {"detail": "canary"}), CredentialsError),
        (always(503), AnsweredError),
        (always(200, b"<html>canary"), TransientError),
        (always(404, b"<html>canary"), ConfigurationError),
        (always(302, b"", Location="https://elsewhere.example/"), ConfigurationError),
        (always(400, {"orderby": ["canary"]}), ConfigurationError),
        (always(200, envelope({"pk": 1, "customerNumber": "canary"})), ConfigurationError),
        (always(200, envelope({"id": 1, "number": "canary"})), ConfigurationError),
    ],
)
def test_a_server_that_does_not_let_us_in(app: App, kind: type[ConnectorError]) -> None:
    """Credentials, silence, and a place or names that are wrong are told apart, without a word of the body."""
    with pytest.raises(kind) as caught:
        enter(app)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_names_of_the_table_are_proven_on_entering() -> None:
    """A customer that shows id and reference under their own names lets us in."""
    assert len(enter(always(200, envelope({"pk": 1, "no": None})), {"id": "pk", "customerNumber": "no"})) == 1


def test_what_it_says_of_itself() -> None:
    """Its address names the place, it knows ids, its settling time is the settings', and nothing shows the token."""
    target = KeyproTarget(KeyproSettings.model_validate({**GIVEN, "settling": "0s"}), {})
    assert isinstance(target, IdTarget)
    assert (target.address, target.settling_seconds, target.requests) == (f"keypro:{ORIGIN}{PREFIX}", 0.0, 0)
    assert TOKEN not in f"{target!r} {vars(target)!r} {vars(target._client)!r} {target._client.auth.session!r}"
    with pytest.raises(ConfigurationError, match="one name"):
        KeyproTarget(KeyproSettings.model_validate(GIVEN), {"note": "country"})


# Sending


def sent(row: Row, table: dict[str, str] | None = None, **settings: object) -> httpx.Request:
    """Send a row, and give the one request that this took."""

    def app(request: httpx.Request) -> httpx.Response:
        content = json.loads(request.content)
        return httpx.Response(200, json={"id": int(row.target_id or 7), **content})

    _, (request,) = perform(app, lambda target: target.send(row), table, **settings)
    return request


def test_a_create_carries_reference_and_values() -> None:
    """One POST to the list, as JSON, decimals digit by digit, dates in ISO 8601, null for what is cleared."""
    values = {"cooperativeSum": Decimal("1.10"), "cooperativeDate": date(2024, 2, 29), "note": None, "sms2": True}
    request = sent(Row("C-1", values))
    assert (request.method, request.url.raw_path) == ("POST", f"{PREFIX}/customers/".encode())
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == f"Token {TOKEN}"
    assert request.content == (
        b'{"cooperativeSum":1.10,"cooperativeDate":"2024-02-29","note":null,"sms2":true,"customerNumber":"C-1"}'
    )


def test_an_update_carries_just_the_values() -> None:
    """One PATCH to the item; the reference stays as it is."""
    request = sent(Row("C-1", {"customerName": "Zoë 李"}, target_id="42"))
    assert (request.method, request.url.raw_path) == ("PATCH", f"{PREFIX}/customers/42/".encode())
    assert request.content == '{"customerName":"Zoë 李"}'.encode()


def test_values_go_under_the_names_of_the_table() -> None:
    """The table of the constructor, the job's own entries, and the field that is the reference all count."""
    row = Row("C-1", {"customerName": "Ada", "note": "x"})
    request = sent(row, {"customerName": "title"}, properties={"note": "memo"}, reference_field="identification")
    assert json.loads(request.content) == {"title": "Ada", "memo": "x", "identification": "C-1"}


def test_a_reference_among_the_values_is_sent_in_its_kind() -> None:
    """A number stays one; one that differs from the row's reference is not believed."""
    assert json.loads(sent(Row("17", {"customerNumber": 17})).content) == {"customerNumber": 17}
    assert json.loads(sent(Row("17", {"customerNumber": 18})).content) == {"customerNumber": "17"}


@pytest.mark.parametrize("reference", ["", " ", ".", "..", "a\nb", "a\x00", "a\x9f", "\ud800"])
def test_what_cannot_be_a_reference_is_refused_without_a_request(reference: str) -> None:
    """It is sent neither to be written nor to be found."""
    answer, seen = perform(always(500), lambda target: target.send(Row(reference, {"note": "x"})))
    assert [refusal.field for refusal in answer.refusals] == ["customerNumber"]
    assert (answer.status, seen) == (None, [])
    assert perform(always(500), lambda target: target.look_up(Row(reference))) == (None, [])


@pytest.mark.parametrize("target_id", ["", ".", "..", "1\n"])
def test_what_cannot_be_an_id_is_refused_without_a_request(target_id: str) -> None:
    """Nor is anything sent to a place that is no item's."""
    row = Row("C-1", {"note": "x"}, target_id=target_id)
    answer, seen = perform(always(500), lambda target: target.send(row))
    assert ([refusal.field for refusal in answer.refusals], seen) == (["id"], [])


def test_an_odd_id_stays_one_segment() -> None:
    """An id that somebody else's ledger holds leads nowhere but to an item."""
    row = Row("C-1", {}, target_id="1/../2?x#y")
    _, (request,) = perform(always(404, MISSING), lambda target: target.send(row))
    assert request.url.raw_path == f"{PREFIX}/customers/1%2F..%2F2%3Fx%23y/".encode()


def test_half_a_character_is_refused_by_field() -> None:
    """JSON in UTF-8 cannot carry it, and the field is called by our name."""
    answer = send(always(500), Row("C-1", {"customerName": "\ud800"}), {"customerName": "title"})
    assert [(each.code, each.field) for each in answer.refusals] == [("invalid_text", "customerName")]


def test_a_value_of_an_unknown_kind_is_a_configuration_error() -> None:
    """What JSON cannot carry is named by property and kind, never by value."""
    with pytest.raises(ConfigurationError, match="note holds a set"):
        send(always(500), Row("C-1", {"note": {"canary"}}))


# Looking up


@pytest.mark.parametrize("reference", ["C-1", "a b&c=d", "a/b", "a+b", "ä%2F", "*", "#"])
def test_a_look_up_filters_by_the_reference(reference: str) -> None:
    """The whole reference, percent-encoded, is the value of the filter; three customers are enough."""
    app = always(200, envelope(customer(7, reference)))
    held, (request,) = perform(app, lambda target: target.look_up(Row(reference)))
    assert held == Held("7")
    assert request.url.path == f"{PREFIX}/customers/"
    assert dict(request.url.params) == {"customerNumber": reference, "limit": "3"}
    assert b"+" not in request.url.query


def test_a_look_up_by_id_asks_for_the_item() -> None:
    """One who is gone is gone, in the documented words alone."""
    row = Row("C-1", {"customerName": "Ada"}, target_id="7")
    held, (request,) = perform(always(200, customer(7)), lambda target: target.look_up(row))
    assert (held, request.url.path) == (Held("7"), f"{PREFIX}/customers/7/")
    assert look_up(always(404, MISSING), row) is None
    for content in (customer(8), customer(7, "C-2"), b""):
        with pytest.raises(TransientError, match="look-up: the answer shows"):
            look_up(always(200, content), row)
    with pytest.raises(PermanentError, match="look-up: status 404"):
        look_up(always(404, b"<html>"), row)


def test_the_same_reference_in_another_form_is_found() -> None:
    """Numbers, blanks around it and decomposed letters make no difference; case does."""
    assert look_up(always(200, envelope(customer(7, 17))), Row("17")) == Held("7")
    assert look_up(always(200, envelope(customer(7, " Zoe\u0308 "))), Row("Zoë")) == Held("7")
    assert look_up(always(200, envelope(customer(7, "c-1"))), Row("C-1")) is None


def test_nobody_is_held_where_the_list_is_empty() -> None:
    """In each of its forms; not where more is said to come."""
    forms: list[object] = [envelope(), [], {"results": []}, {"Results": [], "Total": 0}]
    for content in forms:
        assert look_up(always(200, content), Row("C-1")) is None
    for content in (envelope(following="https://x.example/?offset=3"), {"Results": [], "Total": 1}):
        with pytest.raises(TransientError, match="does not show all"):
            look_up(always(200, content), Row("C-1"))


@pytest.mark.parametrize("others", [["C-2"], [None], ["C-2", "C-3", "C-4"], ["c-1", "C-2"], [True]])
def test_a_filter_that_is_not_kept_to_proves_no_absence(others: list[object]) -> None:
    """Customers of other references alone show that the server looks at no filter: nothing may be created by that."""
    with pytest.raises(PermanentError, match=r"does not keep to the filter no$"):
        look_up(
            always(200, envelope(*({"id": number, "no": other} for number, other in enumerate(others)))),
            Row("C-1"),
            {"customerNumber": "no"},
        )


def test_a_filter_blind_to_case_that_shows_too_many() -> None:
    """Three who differ in case alone may hide the fourth."""
    found = [customer(number, "c-1") for number in range(3)]
    with pytest.raises(TransientError, match="does not show all"):
        look_up(always(200, envelope(*found)), Row("C-1"))


def test_twins_are_counted() -> None:
    """Others of the same reference are told, strangers beside them are not."""
    found = envelope(customer(7), customer(8), customer(9, "c-1"))
    assert look_up(always(200, found), Row("C-1")) == Held("7", others=1)


@pytest.mark.parametrize(
    ("field", "value", "same"),
    [
        ("customerName", "Ada", True),
        ("customerName", "ada", False),
        ("note", None, True),
        ("note", "x", False),
        ("note", "", True),
        ("cooperativeSum", Decimal("12.50"), True),
        ("cooperativeSum", Decimal("12.51"), False),
        ("Type", 3, True),
        ("sms2", True, True),
        ("sms2", 1, False),
        ("cooperativeDate", date(2024, 2, 29), True),
        ("customerNumber", 17, True),
        ("customerNumber", "18", False),
        ("phone2", "1", False),  # not shown: proves nothing
        ("phone2", None, False),
    ],
)
def test_what_is_shown_is_compared_by_field(field: str, value: object, *, same: bool) -> None:
    """Each sent value is compared with what its property shows, in the kind that it has."""
    shown = b"""{"Results": [{"pk": 7, "customerNumber": "17", "title": "Ada", "note": null, "cooperativeSum": 12.5,
        "Type": 3, "sms2": true, "cooperativeDate": "2024-02-29"}]}"""
    held = look_up(always(200, shown), Row("17", {field: value}), {"id": "pk", "customerName": "title"})
    assert held == Held("7", () if same else (field,))


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (always(400, {"customerNumber": ["canary"]}), TransientError),
        (always(404, MISSING), PermanentError),
        (always(200, b"<html>canary"), TransientError),
        (always(200, {"customer": {}}), TransientError),
        (always(200, envelope({"customerNumber": "C-1"})), TransientError),
        (always(302, b"", Location="https://[broken"), PermanentError),
        (always(429), TransientError),
        (always(403), CredentialsError),
    ],
)
def test_a_look_up_that_tells_nothing_raises(app: App, kind: type[ConnectorError]) -> None:
    """Whatever proves neither presence nor absence is an error, without a word of the body or the reference."""
    with pytest.raises(kind) as caught:
        look_up(app, Row("C-1"))
    assert "canary" not in str(caught.value)
    assert "C-1" not in str(caught.value)


# The list


def test_the_list_goes_on_behind_the_last_id() -> None:
    """Parts come in the order of ids, until one is empty: a missing link is not believed; newer ids are behind."""
    app = always(200, envelope(customer(3, "A"), customer(5, "B"), customer(6, "A"), customer(9, None)))
    first, (request,) = perform(app, lambda target: target.roll(None))
    assert dict(request.url.params) == {"orderby": "id", "limit": "100"}
    assert first == Roll({"A": ("3", "6"), "B": ("5",)}, "9", steady=True)
    last, (request,) = perform(always(200, envelope()), lambda target: target.roll("9"))
    assert dict(request.url.params) == {"orderby": "id", "limit": "100", "id__gt": "9"}
    assert last == Roll({}, None, steady=True, tail="9")


def test_filters_bear_the_names_of_the_table() -> None:
    """Order and filter go by the property of the id."""
    app = always(200, [{"pk": 12, "no": "A"}])
    table = {"id": "pk", "customerNumber": "no"}
    part, (request,) = perform(app, lambda target: target.roll("9"), table)
    assert dict(request.url.params) == {"orderby": "pk", "limit": "100", "pk__gt": "9"}
    assert part.ids == {"A": ("12",)}


def test_an_end_that_comes_too_early_is_not_steady() -> None:
    """Where the part before said that more comes, and nobody does, absence from the list proves nothing."""
    more = roll(always(200, envelope(customer(3), following="/customers/?offset=1")))
    assert more.cursor is not None
    end, (request,) = perform(always(200, envelope()), lambda target: target.roll(more.cursor))
    assert request.url.params["id__gt"] == "3"
    assert end == Roll({}, None, steady=False, tail="3")


def test_an_empty_part_that_says_more_is_asked_for_again() -> None:
    """Delivery asks again after a TransientError."""
    with pytest.raises(TransientError, match="nobody is shown"):
        roll(always(200, envelope(following="/customers/?offset=100")), "9")


def test_an_empty_list_where_somebody_was_is_asked_for_again() -> None:
    """Entering showed a customer, so an empty list a moment later is not believed."""
    answers = iter([envelope(customer(3)), envelope()])
    transport = AppTransport(lambda _: httpx.Response(200, json=next(answers)))

    async def main() -> None:
        async with KeyproTarget(KeyproSettings.model_validate(GIVEN), {}, transport) as target:
            await target.roll(None)

    with pytest.raises(TransientError, match="nobody is shown"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("cursor", "ids", "name"),
    [
        ("9", [8, 10], "id__gt"),
        ("9", [9], "id__gt"),
        (None, [3, 2], "orderby"),
        ("9", [11, 10], "orderby"),
        (None, [3, 3], "orderby"),
    ],
)
def test_a_server_that_does_not_keep_to_the_list_is_named(cursor: str | None, ids: list[int], name: str) -> None:
    """An id at or below the last one, or out of order, ends the job: such parts fit together by chance alone."""
    with pytest.raises(PermanentError, match=f"does not keep to {name}$"):
        roll(always(200, envelope(*(customer(number, f"C-{number}") for number in ids))), cursor)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ([{"pk": 1, "customerNumber": "A"}], "no property id"),
        ([{"id": 1, "no": "A"}], "no property customerNumber"),
        ([customer(1), {"customerNumber": "B"}], "no usable id"),
    ],
)
def test_customers_without_id_or_reference_are_no_list(shown: list[object], words: str) -> None:
    """A table of wrong names must not make everybody look absent."""
    with pytest.raises(PermanentError, match=words):
        roll(always(200, envelope(*shown)))


# Entities


def test_constants_are_entities() -> None:
    """The group stands in the path; programs know a constant by one text, people by another."""
    constants = [
        {"id": 1, "logical_txt": "person", "txt": "Henkilö", "available": True},
        {"id": 2, "logical_txt": None, "num_value": 7},
        {"id": None, "txt": "x"},
    ]
    found, (request,) = perform(always(200, constants), lambda target: target.entities("customer_type"))
    assert request.url.path == f"{PREFIX}/txt_constants/groupname/customertype/"
    assert found == [Entity("1", "person", "Henkilö"), Entity("2")]


def test_a_job_names_the_group() -> None:
    """Its name is inferred otherwise."""
    _, (request,) = perform(always(200, []), lambda t: t.entities("language"), constants={"language": "lang"})
    assert request.url.path.endswith("/groupname/lang/")


@pytest.mark.parametrize("app", [always(200, []), always(404, b"<html>"), always(404, MISSING)])
def test_a_group_that_is_not_there_has_no_list(app: App) -> None:
    """An empty one cannot be told from one that is called otherwise."""
    assert perform(app, lambda target: target.entities("language"))[0] is None


def test_an_unknown_kind_has_no_list() -> None:
    """Nothing is asked for."""
    assert perform(always(500), lambda target: target.entities("colour")) == (None, [])


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (always(200, envelope({"id": 1}, following="/x")), PermanentError),
        (always(200, {"id": 1}), TransientError),
        (always(503), AnsweredError),
        (always(401), CredentialsError),
    ],
)
def test_constants_that_cannot_be_read(app: App, kind: type[ConnectorError]) -> None:
    """A list in parts is not taken for a whole one."""
    with pytest.raises(kind, match="keypro: constants"):
        perform(app, lambda target: target.entities("language"))


def test_a_send_says_nothing_of_the_token() -> None:
    """Answers have no place for it."""
    assert TOKEN not in repr(send(always(201, customer(7)), Row("C-1")))
    assert send(always(201, customer(7)), Row("C-1")) == Answer(201, "7", created=True)
