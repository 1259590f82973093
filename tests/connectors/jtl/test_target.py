"""The JTL-Wawi target against small apps that answer as the vendor's pages say, and as they do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial

import httpx
import pytest

from connectors.jtl import JtlSettings
from connectors.jtl.target import JtlTarget
from connectors.protocol import (
    Answer,
    AnsweredError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    Entity,
    Held,
    PermanentError,
    Refusal,
    Roll,
    Row,
    Surprise,
    ThrottledError,
    TransientError,
)
from tests.connectors.jtl.app import CLOUD, PREMISES, ROOT, App, AppTransport, always, listed, perform

SECRETS = ("canary", "token-1")
NOT_FOUND = {"ErrorCode": "NOT_FOUND", "ErrorMessage": "No such customer.", "Stacktrace": "at Canary.Customers()"}


def customer(number: str = "C-1", **more: object) -> dict[str, object]:
    """Show a customer, in short."""
    return {"Id": 256, "Number": number, **more}


def send(app: App, row: Row) -> tuple[Answer, AppTransport]:
    """Send one row."""
    return perform(app, lambda target: target.send(row))


def look_up(app: App, row: Row) -> Held | None:
    """Look one row up."""
    return perform(app, lambda target: target.look_up(row))[0]


# Signing in


def test_entering_gets_a_token_and_the_headers_go_to_the_api_alone() -> None:
    """The token endpoint sees Basic and the grant; each request carries token, tenant, version, app and user."""
    _, transport = send(always(201, customer()), Row("C-1"))
    (login,), (request,) = transport.tokens, transport.seen
    assert login.content == b"grant_type=client_credentials"
    assert login.headers["Authorization"].startswith("Basic ")
    own = {"x-tenant-id", "api-version", "x-appid", "x-appversion", "x-runas"}
    assert not own & set(login.headers)
    assert request.headers["Authorization"] == "Bearer token-1"
    assert {name: request.headers[name] for name in own} == {
        "x-tenant-id": CLOUD["tenant_id"],
        "api-version": "1.0",
        "x-appid": "Rollcall/1.0.0",
        "x-appversion": "1.0.0",
        "x-runas": "7",
    }
    assert transport.requests == 2


def test_on_premises_the_key_goes_with_each_request_and_is_proven_on_entering() -> None:
    """`Wawi KEY` signs; entering asks for one customer, since nothing is signed in to."""
    app = always(200, listed())
    transport = AppTransport(app)

    async def main() -> None:
        async with JtlTarget(JtlSettings.model_validate(PREMISES), transport):
            pass

    asyncio.run(main())
    (request,) = transport.seen
    assert (request.method, request.url.raw_path) == ("GET", b"/erp/customers?pageNumber=1&pageSize=1")
    assert request.headers["Authorization"] == "Wawi canary-key"
    assert transport.tokens == []


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsError), (402, PermanentError), (503, AnsweredError)])
def test_a_key_that_is_refused_is_told_on_entering(status: int, kind: type[ConnectorError]) -> None:
    """Entering raises what the proof met."""
    transport = AppTransport(always(status))

    async def main() -> None:
        async with JtlTarget(JtlSettings.model_validate(PREMISES), transport):
            pytest.fail("entered")

    with pytest.raises(kind, match=f"jtl: login: status {status}") as caught:
        asyncio.run(main())
    assert "canary" not in str(caught.value)


def test_a_token_that_ended_is_renewed_once() -> None:
    """A 401 fetches another token and repeats the request."""
    answers = iter([httpx.Response(401), httpx.Response(201, json=customer())])
    answer, transport = send(lambda _: next(answers), Row("C-1"))
    assert answer == Answer(201, "256", created=True)
    assert [request.headers["Authorization"] for request in transport.seen] == ["Bearer token-1", "Bearer token-2"]


def test_the_address_names_server_and_tenant_and_nothing_shows_a_secret() -> None:
    """All tenants of the cloud have one server, so customer state belongs to the tenant as well."""
    target = JtlTarget(JtlSettings.model_validate(CLOUD))
    assert target.address == f"jtl:{ROOT}/erp#6c1f6a52-0000-4000-8000-000000000001"
    assert JtlTarget(JtlSettings.model_validate(PREMISES)).address == f"jtl:{ROOT}/erp"
    shown = f"{target!r} {vars(target)!r} {vars(target._client)!r} {vars(target._client.auth)!r}"
    assert not [secret for secret in SECRETS if secret in shown]


@pytest.mark.parametrize("key", ["base_url", "token_url"])
def test_unsafe_addresses_are_configuration_errors(key: str) -> None:
    """Plain http beyond this machine is refused for the API and for tokens."""
    with pytest.raises(ConfigurationError, match=key):
        JtlTarget(JtlSettings.model_validate({**CLOUD, key: "http://erp.example"}))


# Writing


def test_a_create_posts_everything_but_null_with_the_number() -> None:
    """Dotted names are nested, decimals keep their digits, and nothing is cleared in whom nobody knows."""
    values = {
        "CustomerGroupId": 1,
        "BillingAddress.City": "Übersee",
        "BillingAddress.VatID": None,
        "Shipmentaddress.City": "Graz",
        "PaymentSettings.Discount": Decimal("2.50"),
        "Website": None,
    }
    answer, transport = send(always(201, customer()), Row("C-1", values))
    assert answer == Answer(201, "256", created=True)
    (request,) = transport.seen
    assert (request.method, request.url.path, request.headers["Content-Type"]) == (
        "POST",
        "/erp/customers",
        "application/json",
    )
    assert b'"Discount":2.50' in request.content
    assert json.loads(request.content) == {
        "Number": "C-1",
        "CustomerGroupId": 1,
        "BillingAddress": {"City": "Übersee"},
        "Shipmentaddress": {"City": "Graz"},
        "PaymentSettings": {"Discount": 2.5},
    }


@pytest.mark.parametrize("status", [200, 201])
def test_an_update_patches_just_what_is_given(status: int) -> None:
    """Null is sent to clear; 201 is documented for updates, 200 by the guide."""
    row = Row("C-1", {"Website": None, "BillingAddress.City": "Graz"}, target_id="256")
    answer, transport = send(always(status, customer()), row)
    assert answer == Answer(status, "256", created=False)
    (request,) = transport.seen
    assert (request.method, request.url.path) == ("PATCH", "/erp/customers/256")
    assert json.loads(request.content) == {"Website": None, "BillingAddress": {"City": "Graz"}}


def test_another_path_can_be_set() -> None:
    """Later pages list the customers below `/v1` as well, and so their groups."""
    answer, transport = perform(always(200, []), lambda target: target.entities("company"), path="/v1/customers")
    assert answer == []
    assert transport.seen[0].url.path == "/erp/v1/companies"


@pytest.mark.parametrize(
    "content",
    [None, b"", b"<html>", [], {}, {"Id": None}, {"Id": True}, {"Id": "256"}, {"Number": "C-1"}, customer("C-2")],
)
@pytest.mark.parametrize("target_id", [None, "256"])
def test_a_success_that_proves_nothing_is_none(content: object, target_id: str | None) -> None:
    """An answer without this customer's id, or with another's number, is a TransientError."""
    with pytest.raises(TransientError, match="the answer shows"):
        send(always(201, content), Row("C-1", target_id=target_id))


def test_an_answer_with_another_id_is_no_proof() -> None:
    """An update must show the customer that was updated."""
    with pytest.raises(TransientError, match="another customer"):
        send(always(201, customer()), Row("C-1", target_id="257"))


def test_answers_are_read_whatever_their_casing() -> None:
    """Small first letters prove a customer as capitals do, and numbers are compared after NFC."""
    answer, _ = send(always(201, {"id": 3, "number": "Zoe\u0308"}), Row("Zo\u00eb"))
    assert answer.target_id == "3"


def test_refusals_come_property_by_property() -> None:
    """Each validation error is a refusal with the vendor's code and words, under our name; no stack trace."""
    content = {
        "ErrorCode": "VALIDATION_ERROR",
        "ValidationErrors": {"billingaddress.city": "must not be empty", "$.Nonsense": "x" * 300, "IsLocked": None},
        "ErrorMessage": "Invalid data.",
        "Stacktrace": "at Canary.Customers()",
    }
    answer, _ = send(always(400, content), Row("C-1"))
    assert answer == Answer(
        400,
        refusals=(
            Refusal("VALIDATION_ERROR", "BillingAddress.City", "must not be empty"),
            Refusal("VALIDATION_ERROR", "$.Nonsense", "x" * 200),
            Refusal("VALIDATION_ERROR", "IsLocked", "HTTP 400"),
        ),
    )


@pytest.mark.parametrize(
    ("status", "content", "refusal"),
    [
        (422, {"ErrorCode": "RULE", "ErrorMessage": "No."}, Refusal("RULE", "", "No.")),
        (400, {"errorCode": "RULE", "errorMessage": "No."}, Refusal("RULE", "", "No.")),
        (400, {"ErrorCode": "a b\n", "ErrorMessage": ""}, Refusal("unclassified", "", "HTTP 400")),
        (400, b"<html>", Refusal("unclassified", "", "HTTP 400")),
        (413, b"", Refusal("too_large", "", "HTTP 413")),
    ],
)
def test_other_refusals(status: int, content: object, refusal: Refusal) -> None:
    """Without properties the message speaks; what tells nothing is told by its status."""
    assert send(always(status, content), Row("C-1"))[0] == Answer(status, refusals=(refusal,))
    assert send(always(status, content), Row("C-1", target_id="5"))[0] == Answer(status, "5", refusals=(refusal,))


TAKEN = {"ErrorCode": "VALIDATION_ERROR", "ValidationErrors": {"Number": "is taken"}}


@pytest.mark.parametrize(("status", "content"), [(409, {"ErrorCode": "CONFLICT"}), (409, b""), (400, TAKEN)])
def test_a_number_that_is_taken_is_a_surprise_for_a_create_alone(status: int, content: object) -> None:
    """409, or 400 about nothing but the number: somebody is there already; an update is just refused."""
    assert send(always(status, content), Row("C-1"))[0].surprise is Surprise.EXISTS
    answer, _ = send(always(status, content), Row("C-1", target_id="5"))
    assert (answer.surprise, answer.target_id, len(answer.refusals)) == (None, "5", 1)


def test_an_update_of_nobody_is_a_surprise() -> None:
    """404 on an update says that the customer is gone, with the vendor's words; on a create it is no answer."""
    answer, _ = send(always(404, NOT_FOUND), Row("C-1", target_id="5"))
    assert answer == Answer(404, refusals=(Refusal("NOT_FOUND", "", "No such customer."),), surprise=Surprise.GONE)
    with pytest.raises(PermanentError, match="status 404"):
        send(always(404, NOT_FOUND), Row("C-1"))
    with pytest.raises(PermanentError, match="status 404"):
        send(always(404, b"<html>no such page"), Row("C-1", target_id="5"))


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (302, PermanentError, "not an answer"),
        (402, PermanentError, "licence"),
        (403, CredentialsError, "scope"),
        (405, PermanentError, "not an answer"),
        (408, AnsweredError, ""),
        (412, PermanentError, "header is missing"),
        (418, PermanentError, "not an answer"),
        (500, AnsweredError, ""),
        (503, AnsweredError, ""),
    ],
)
def test_failures_of_the_system(status: int, kind: type[ConnectorError], words: str) -> None:
    """What is no customer's fault raises, without the body."""
    with pytest.raises(kind, match=f"jtl: create: status {status}.*{words}") as caught:
        send(always(status, {"ErrorMessage": "canary"}), Row("C-1"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7", "X-RateLimit-Interval-Length-Seconds": "60"}, 7),
        ({"X-RateLimit-Interval-Length-Seconds": "60"}, 60),
        ({"X-RateLimit-Interval-Length-Seconds": "soon"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_waits_as_told(headers: Mapping[str, str], seconds: float | None) -> None:
    """`Retry-After` where there is one, else the limit's whole interval."""
    with pytest.raises(ThrottledError) as caught:
        send(always(429, None, **headers), Row("C-1"))
    assert caught.value.delay_seconds == seconds


@pytest.mark.parametrize("reference", ["", " ", ".", "..", "a\r\nb", "a\0", "\x85", "\ud800"])
def test_what_cannot_be_a_number_is_refused_without_a_request(reference: str) -> None:
    """Nothing is sent, and nothing is held under it."""
    answer, transport = send(always(500), Row(reference))
    assert (answer.status, [refusal.field for refusal in answer.refusals]) == (None, ["Number"])
    assert transport.seen == []
    assert look_up(always(500), Row(reference)) is None


def test_what_cannot_be_written_is_refused_without_a_request() -> None:
    """Half a character names its property; an id that is no number of this ERP's leads nowhere."""
    answer, transport = send(always(500), Row("C-1", {"BillingAddress.City": "\ud800"}))
    assert [(refusal.code, refusal.field) for refusal in answer.refusals] == [("invalid_text", "BillingAddress.City")]
    for target_id in ("customfields", "../x", "99999999999", ""):
        answer, more = send(always(500), Row("C-1", target_id=target_id))
        assert [refusal.code for refusal in answer.refusals] == ["invalid_id"]
        assert more.seen == []
    assert transport.seen == []


# Looking up


def test_a_look_up_filters_by_the_exact_number() -> None:
    """The number is percent-encoded, and three are asked for, so that twins and a lost filter show."""
    held, transport = perform(
        always(200, listed(customer("a&b=c/ü"))), lambda target: target.look_up(Row("a&b=c/ü", {}))
    )
    assert held == Held("256")
    assert transport.seen[0].url.raw_path == b"/erp/customers?number=a%26b%3Dc%2F%C3%BC&pageSize=3"


def test_whoever_bears_the_same_number_counts() -> None:
    """Others of the number are counted; one that differs in case alone is another, and no sign of a lost filter."""
    twins = listed(customer(), {"Id": 2, "Number": "C-1"}, {"Id": 3, "Number": "c-1"})
    assert look_up(always(200, twins), Row("C-1")) == Held("256", others=1)
    assert look_up(always(200, listed(customer("c-1"))), Row("C-1")) is None
    assert look_up(always(200, listed()), Row("C-1")) is None


@pytest.mark.parametrize("spelling", ["Caf\u00e9 ", " Cafe\u0301", "\tCaf\u00e9\u00a0"])
def test_a_number_is_compared_without_the_blanks_around_it(spelling: str) -> None:
    """A database that takes no notice of blanks shows it; the customer is the one, and an update writes it plainly."""
    row, held = Row("Caf\u00e9", {"Number": "Caf\u00e9"}), customer(spelling)
    assert look_up(always(200, listed(held)), row) == Held("256")
    assert look_up(always(200, listed(held, customer("Caf\u00e9"))), row) == Held("256", others=1)
    assert look_up(always(200, held), Row("Caf\u00e9", row.values, "256")) == Held("256")
    assert send(always(200, held), Row("Caf\u00e9", {}, "256"))[0] == Answer(200, "256", created=False)
    roll, _ = perform(always(200, listed(held)), lambda target: target.roll(None))
    assert roll.ids == {"Caf\u00e9": ("256",)}
    assert look_up(always(200, listed(customer(" CAFE\u0301 "))), row) is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (listed(customer("C-2")), None),
        (listed(customer("C-2"), {"Id": 3}, total=900), None),
        (listed(customer("C-1"), {"Id": 3, "Number": "C-2"}, total=900), None),
        (listed(customer("C-1"), {"Id": 3, "Number": "C-2"}), Held("256")),
    ],
)
def test_a_filter_that_is_not_kept_shows_nobody_absent(content: object, found: Held | None) -> None:
    """Customers of other numbers mean that the filter is not kept, unless the whole list is there to be seen."""
    if found is None:
        with pytest.raises(PermanentError, match="the filter `number`"):
            look_up(always(200, content), Row("C-1"))
    else:
        assert look_up(always(200, content), Row("C-1")) == found


@pytest.mark.parametrize(
    "content",
    [None, b"<html>", [], {"Items": []}, listed(total=1), listed(PageNumber=0), listed(TotalItems=True), {"Items": 3}],
)
def test_an_answer_that_is_no_list_says_nothing(content: object) -> None:
    """Absence must be proven by a list that is complete."""
    with pytest.raises(TransientError):
        look_up(always(200, content), Row("C-1"))


def test_a_look_up_by_id_shows_the_customer() -> None:
    """By id it is one request; whose id is gone may be there under another; another's number is no proof."""

    def app(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/customers/256"):
            return httpx.Response(404, json=NOT_FOUND)
        return httpx.Response(200, json=listed({"Id": 9, "Number": "C-1"}))

    row = Row("C-1", {"Website": "https://a.example"}, target_id="256")
    assert look_up(app, row) == Held("9", ("Website",))
    shown = customer(website="https://a.example")
    held, transport = perform(always(200, shown), lambda target: target.look_up(row))
    assert (held, len(transport.seen)) == (Held("256"), 1)
    with pytest.raises(TransientError, match="another customer"):
        look_up(always(200, customer("C-2")), row)
    with pytest.raises(TransientError, match="status 400"):
        look_up(always(400), row)


@pytest.mark.parametrize(
    ("values", "shown", "same"),
    [
        ({"Number": "C-1", "IsLocked": False}, {"IsLocked": False}, True),
        ({"IsLocked": False}, {"IsLocked": 0}, False),
        ({"PaymentSettings.Discount": Decimal("2.50")}, {"PaymentSettings": {"Discount": 2.5}}, True),
        ({"PaymentSettings.CreditLimit": 5}, {"paymentsettings": {"creditlimit": 5}}, True),
        ({"Website": None}, {"Website": None}, True),
        ({"Website": None}, {"Website": ""}, True),
        ({"Website": None}, {"Website": "https://a.example"}, False),
        ({"Website": "https://a.example"}, {}, False),
        ({"Website": None}, {}, False),
        ({"CustomAddress.City": None}, {"CustomAddress": None}, True),
        ({"OtherAddresses.OtherBillingAddresses": None}, {"OtherAddresses": {"OtherBillingAddresses": []}}, True),
        (
            {"OtherAddresses.OtherBillingAddresses": [{"City": "Graz"}]},
            {"OtherAddresses": {"OtherBillingAddresses": [{"id": 1, "city": "Graz"}]}},
            True,
        ),
        ({"Birthday": "1985-01-01"}, {"Birthday": "1985-01-01T"}, True),
        ({"Birthday": "1985-01-02"}, {"Birthday": "1985-01-01T00:00:00+01:00"}, False),
        ({"CustomerSince": "2023-02-01T13:30:00Z"}, {"CustomerSince": "2023-02-01T14:30:00.0000000+01:00"}, True),
        ({"CustomerSince": "2023-02-01T13:30:00"}, {"CustomerSince": "2023-02-01T13:30:00+00:00"}, False),
        ({"CustomerSince": 3}, {"CustomerSince": "2023-02-01T13:30:00+00:00"}, False),
    ],
)
def test_what_is_shown_proves_what_was_written(
    *, values: dict[str, object], shown: dict[str, object], same: bool
) -> None:
    """Values are compared in their own kind, times as moments; what an answer does not have proves nothing."""
    differing = () if same else tuple(values)
    assert look_up(always(200, listed({**customer(), **shown})), Row("C-1", values)) == Held("256", differing)


# Lists


def test_the_roll_goes_page_by_page() -> None:
    """Twins are two ids, those without a number or an id are unread; HasNextPage leads on, else the count does."""
    items = [customer(), {"Id": 2, "Number": "C-1"}, {"id": 3, "number": "C-3"}, {"Id": 4}, {"Number": "C-5"}]
    page = {"Items": items, "TotalItems": 905, "PageNumber": 1, "PageSize": 100, "HasNextPage": True}

    async def roll(cursor: str | None, target: JtlTarget) -> Roll:
        return await target.roll(cursor)

    ids = {"C-1": ("256", "2"), "C-3": ("3",)}
    first, transport = perform(always(200, page), partial(roll, None))
    assert first == Roll(ids, "2", steady=False, total=905, unread=2)
    assert transport.seen[0].url.raw_path == b"/erp/customers?pageNumber=1&pageSize=100"
    last, transport = perform(always(200, {**page, "HasNextPage": False}), partial(roll, "10"))
    assert last.cursor is None
    assert transport.seen[0].url.raw_path == b"/erp/customers?pageNumber=10&pageSize=100"
    del page["HasNextPage"]
    assert perform(always(200, page), partial(roll, None))[0].cursor == "2"
    assert perform(always(200, {**page, "PageNumber": 10}), partial(roll, "10"))[0].cursor is None
    with pytest.raises(TransientError, match="more come"):
        perform(always(200, {**page, "Items": []}), partial(roll, None))


def test_entities_are_plain_arrays() -> None:
    """Ids and names are read whatever their casing; what has no id is left out, and a list may be missing."""
    app = always(200, [{"Id": 1, "Name": "Retail"}, {"id": 2, "name": None}, {"Name": "x"}, 3, {"Id": 1, "Name": "R"}])
    found, transport = perform(app, lambda target: target.entities("customer_group"))
    assert found == [Entity("1", None, "R"), Entity("2")]
    assert transport.seen[0].url.path == "/erp/customerGroups"
    assert perform(always(404, NOT_FOUND), lambda target: target.entities("company"))[0] is None
    assert perform(always(200, []), lambda target: target.entities("region"))[0] is None
    with pytest.raises(TransientError, match="no list"):
        perform(always(200, {}), lambda target: target.entities("company"))
    with pytest.raises(CredentialsError, match="scope"):
        perform(always(403), lambda target: target.entities("company"))
