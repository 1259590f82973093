"""The customer API of JTL-Wawi, ERP version 1.x, as its documentation says.

Source: https://developer.jtl-software.com/api-reference/v1.0/customer/create-customer and its neighbours. What the
pages leave open is a setting (`JtlSettings`), or marked inferred beside the rule. Inferred here: paths are matched case
and all, `/v1/...` is the same as without; known paths refuse other methods with 405; an id that is no int32 is
nobody's; writes take no other query parameter than `disableAutomaticWorkflows`; every customer can be deleted.
Contacts, bank accounts, notes and custom fields of a customer are not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Journal
from connectors.sandbox.jtl.admission import Gate
from connectors.sandbox.jtl.allowance import Allowance, Headers
from connectors.sandbox.jtl.body import read_object
from connectors.sandbox.jtl.book import Customer, CustomerBook
from connectors.sandbox.jtl.customer import CustomerDesk
from connectors.sandbox.jtl.fault import estrange, first_page, spoil_list
from connectors.sandbox.jtl.listing import Query, envelope, read_query, select
from connectors.sandbox.jtl.moment import read_moment
from connectors.sandbox.jtl.refusal import ApiError, error_response, invalid, no_customer, no_resource
from connectors.sandbox.jtl.seed import Seeds, show_entities
from connectors.sandbox.jtl.session import TokenDesk
from connectors.sandbox.jtl.setting import JtlSettings

_SCOPES: Mapping[tuple[str, bool], frozenset[str]] = {
    ("GET", False): frozenset({"customer.querycustomers", "all.read"}),
    ("POST", False): frozenset({"customer.createcustomer"}),
    ("GET", True): frozenset({"customer.getcustomer", "all.read"}),
    ("PATCH", True): frozenset({"customer.updatecustomer"}),
    ("DELETE", True): frozenset({"customer.deletecustomer"}),
}
"""The scopes of which an operation needs any one, by its method and whether its path names a customer."""

_EMPTY_LISTS = ("customfields", "workflowEvents")
_WORKFLOWS = "disableAutomaticWorkflows"
_LARGEST: Final = 2**31 - 1


class JtlVendor:
    """Customers, the tokens, and the read-only look-ups of their foreign keys, all in memory."""

    def __init__(self, settings: JtlSettings, seeds: Seeds, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lists = seeds.lists
        self._book = CustomerBook(clock.monotonic)
        self._desk = CustomerDesk(settings, seeds, self._book)
        self._tokens = TokenDesk(settings, clock)
        self._gate = Gate(settings, self._tokens)
        self._allowance = Allowance(clock)
        self._prefix = tuple(part for part in settings.prefix.split("/") if part)
        self._selected: tuple[tuple[object, ...], Sequence[Customer]] = ((), ())

    # What the application around it asks.

    def reference(self, request: Request) -> str | None:
        """Name the customer by its number: that of the id in the path, or that in the body of a create."""
        match request.method, *self._path(request):
            case _, "customers", customer_id if customer_id not in _EMPTY_LISTS:
                customer = self._by_id(customer_id)
                return None if customer is None else customer.number
            case "POST", "customers":
                try:
                    number = read_object(request).get("Number")
                except ApiError:
                    return None
                return number if isinstance(number, str) else None
            case _:
                return None

    def is_login(self, request: Request) -> bool:
        """Say whether the request is for a token."""
        return self._tokens.handles(request)

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let requests for a token in, and every request whose headers are as they must be."""
        if not self.is_login(request) or faults.strike_login:
            self._allowance.spend(faults)
        if self.is_login(request):
            return None
        reply = self._gate.admit(request, self._scopes(request), faults)
        return None if reply is None else _with_headers(reply, self._allowance.headers())

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a request as documented."""
        try:
            reply = self._route(request, faults)
        except ApiError as error:
            reply = error.reply
        return reply if self.is_login(request) else _with_headers(reply, self._allowance.headers())

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make an ErrorResponse of the keys that are given."""
        content = {"ErrorCode": error, "ErrorMessage": description}
        return json_reply(status, {name: text for name, text in content.items() if text is not None})

    def server_error(self, status: int) -> Reply:
        """Make an ErrorResponse of the server's own failure; its code and trace are inferred."""
        message = "An unexpected error occurred."
        return error_response(status, "INTERNAL_SERVER_ERROR", message, trace="   at Sandbox.Customers.Handle()")

    def throttled(self) -> Reply:
        """Make a 429; its body is inferred."""
        reply = error_response(429, "RATE_LIMIT_EXCEEDED", "Too many requests.")
        return _with_headers(reply, self._allowance.headers(throttled=True))

    def stranger(self, reply: Reply) -> Reply:
        """Give a customer's answer another id and number; other answers stay."""
        return estrange(reply)

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:
        """Make the answer to a list request wrong; other answers stay."""
        is_list = request.method == "GET" and self._path(request) == ("customers",)
        if strike.kind == "first_page" and is_list:
            reply = self.handle(first_page(request), Faults())
        return spoil_list(reply, strike.kind)

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:  # noqa: ARG002 - no answer has an address
        """Show all customers as they are, lag or not, in the order of their ids."""
        return [customer.content for customer in self._book.all()]

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer from the JSON of a create, seen by reads at once; its LastChange may be given, or null."""
        try:
            customer = self._desk.create(fields, self._clock.now())
        except ApiError as error:
            return error.reply
        if "LastChange" in fields:
            given = fields["LastChange"]
            last_change = None if given is None else read_moment(str(given))
            customer = Customer({**customer.content, "LastChange": last_change})
        self._book.put(customer, 0.0)
        return Reply(201, applied=True)

    def reset(self) -> None:
        """Forget all customers and tokens."""
        self._book.clear()
        self._tokens.clear()

    # The documented requests.

    def _path(self, request: Request) -> tuple[str, ...]:
        """Give the path behind the prefix and the version; a path without the prefix is nobody's."""
        segments = request.segments
        if segments[: len(self._prefix)] != self._prefix:
            return ()
        segments = segments[len(self._prefix) :]
        return segments[1:] if segments[:1] == ("v1",) else segments

    def _scopes(self, request: Request) -> frozenset[str]:
        match self._path(request):
            case "customers", *rest if rest not in ([name] for name in _EMPTY_LISTS):
                return _SCOPES.get((request.method, bool(rest)), frozenset())
            case _:
                return frozenset()

    def _route(self, request: Request, faults: Faults) -> Reply:
        if self._tokens.handles(request):
            return self._tokens.handle(request, faults)
        match self._path(request):
            case ("customers",):
                return self._route_customers(request, faults.read_lag_seconds)
            case "customers", name if name in _EMPTY_LISTS:
                return self._look_up(request, [])
            case "customers", customer_id:
                return self._route_customer(request, customer_id, faults.read_lag_seconds)
            case (name,) if name in self._lists:
                return self._look_up(request, show_entities(self._lists[name]))
            case _:
                raise no_resource()

    def _route_customers(self, request: Request, lag: float) -> Reply:
        match request.method:
            case "GET":
                query = read_query(request.query, self._settings)
                return json_reply(200, envelope(query, self._select(query, lag)))
            case "POST":
                self._check_parameters(request)
                return self._save(self._desk.create(read_object(request), self._clock.now()), lag)
            case _:
                return _method_not_allowed("GET, POST")

    def _route_customer(self, request: Request, customer_id: str, lag: float) -> Reply:
        if request.method not in ("GET", "PATCH", "DELETE"):
            return _method_not_allowed("GET, PATCH, DELETE")
        self._check_parameters(request)
        customer = self._by_id(customer_id)
        if customer is not None and request.method == "GET":
            customer = self._book.seen(customer, lag)
        if customer is None:
            raise no_customer()
        match request.method:
            case "GET":
                return json_reply(200, customer.content)
            case "PATCH":
                return self._save(self._desk.update(customer, read_object(request), self._clock.now()), lag)
            case _:
                self._book.remove(customer)
                return Reply(204, headers=(), applied=True)

    def _save(self, customer: Customer, lag: float) -> Reply:
        """Save, and answer 201: the pages have it for creates and for updates."""
        self._book.put(customer, lag)
        return json_reply(201, customer.content, applied=True)

    def _by_id(self, text: str) -> Customer | None:
        is_int32 = re.fullmatch("[0-9]{1,10}", text) is not None and int(text) <= _LARGEST
        return self._book.by_id(int(text)) if is_int32 else None

    def _select(self, query: Query, lag: float) -> Sequence[Customer]:
        """Filter, once for all pages of a list that is read without writes in between."""
        if "number" in query.filters:
            return select(self._book.numbered(query.filters["number"], lag), query)
        if lag:
            return select(self._book.all(lag), query)
        key = (self._book.revision, query.selection)
        if self._selected[0] != key:
            self._selected = key, select(self._book.all(), query)
        return self._selected[1]

    def _look_up(self, request: Request, content: Sequence[Any]) -> Reply:
        if request.method != "GET":
            return _method_not_allowed("GET")
        self._check_parameters(request)
        return json_reply(200, content)

    def _check_parameters(self, request: Request) -> None:
        """Refuse query parameters that the request does not have; raises ApiError."""
        writes = request.method in ("POST", "PATCH")
        if not writes and self._settings.unknown_parameters == "ignore":
            return
        wrong = {name: "There is no such parameter." for name in request.query if not writes or name != _WORKFLOWS}
        if writes and request.query.get(_WORKFLOWS, "true").lower() not in ("true", "false"):
            wrong[_WORKFLOWS] = "The value is no boolean."
        if wrong:
            raise invalid(wrong)


def _method_not_allowed(allowed: str) -> Reply:
    reply = error_response(405, "METHOD_NOT_ALLOWED", "The method is not allowed for this resource.")
    return _with_headers(reply, ((b"allow", allowed.encode()),))


def _with_headers(reply: Reply, headers: Headers) -> Reply:
    return replace(reply, headers=(*reply.headers, *headers)) if headers else reply


def jtl_app(
    settings: JtlSettings | None = None,
    *,
    seeds: Seeds | None = None,
    faults: Faults | None = None,
    journal: Journal | None = None,
    clock: Clock | None = None,
) -> SandboxApp:
    """Make a JTL-Wawi sandbox, ready to be served or called in process."""
    clock = clock or Clock()
    vendor = JtlVendor(settings or JtlSettings(), seeds or Seeds(), clock)
    return SandboxApp(vendor, faults=faults, journal=journal, clock=clock)
