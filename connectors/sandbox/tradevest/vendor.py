"""The customer API of tradevest as its documentation says, written from the vendor's pages alone.

Sources: https://docs.tradevest.ai/api-reference/roles/customers, .../roles/schemas, .../roles/customer-labels and
.../authorization. What they leave open is a setting (`TradevestSettings`), or marked inferred beside the rule. Inferred
here: known paths refuse other methods with 405, unknown paths are 404, a path id that is no uuid is 400 before anything
else is looked at, and of a request with several faults the fields come before 404 and 409.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Journal
from connectors.sandbox.tradevest.answer import show
from connectors.sandbox.tradevest.body import BodyReader, check_requestor, read_json, read_object
from connectors.sandbox.tradevest.book import Customer, CustomerBook
from connectors.sandbox.tradevest.cursor import CursorMint
from connectors.sandbox.tradevest.customer import CustomerDesk
from connectors.sandbox.tradevest.fault import estrange, first_page, is_list, spoil_list
from connectors.sandbox.tradevest.label import LabelDesk
from connectors.sandbox.tradevest.listing import QueryReader, pick
from connectors.sandbox.tradevest.refusal import ApiError, error_reply, invalid, not_found
from connectors.sandbox.tradevest.session import TokenDesk
from connectors.sandbox.tradevest.setting import TradevestSettings
from connectors.sandbox.tradevest.value import check_label, check_uuid

_SEEDED = ("createdOn", "modifiedOn", "customerStatus")


class TradevestVendor:
    """Customers, their labels, and the tokens, all in memory."""

    def __init__(self, settings: TradevestSettings, clock: Clock) -> None:
        self._settings = settings
        self._book = CustomerBook(clock.monotonic)
        self._desk = CustomerDesk(settings, self._book, clock)
        self._labels = LabelDesk(self._book, self._desk)
        self._tokens = TokenDesk(settings, clock)
        self._bodies = BodyReader(refuses_unknown=settings.unknown_properties == "refuse")
        self._mint = CursorMint()
        self._queries = QueryReader(settings, self._mint)

    # What the application around it asks.

    def reference(self, request: Request) -> str | None:
        """Name the entity that the customer is or shall be, by the id in the path or by the body of a create."""
        match request.segments:
            case "roles", "customers", customer_id:
                return self._book.entity_of(customer_id.lower())
            case "roles", "customers" if request.method == "POST":
                try:
                    entity_id = read_object(request).get("entityId")
                except ApiError:
                    return None
                return entity_id.lower() if isinstance(entity_id, str) else None
            case _:
                return None

    def is_login(self, request: Request) -> bool:
        """Say whether the request is for a token."""
        return self._tokens.handles(request)

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let requests for tokens in, and every one that bears a living token."""
        return None if self.is_login(request) else self._tokens.admit(request, faults)

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a request as documented."""
        try:
            return self._route(request, faults)
        except ApiError as error:
            return error.reply

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make an ErrorMessage of this `errorCode` and `message`."""
        return error_reply(status, description, code=error)

    def server_error(self, status: int) -> Reply:
        """Make an ErrorMessage for the vendor's own failure."""
        return error_reply(status, "Something went wrong", code="INTERNAL_ERROR")

    def throttled(self) -> Reply:
        """Make a 429; the pages name no rate limit."""
        return error_reply(429, "Too many requests", code="TOO_MANY_REQUESTS_ERROR")

    def stranger(self, reply: Reply) -> Reply:
        """Give a customer's answer other ids; other answers stay."""
        return estrange(reply)

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:
        """Make the answer to a list request wrong; other answers stay."""
        if not is_list(reply):
            return reply
        if strike.kind == "first_page":
            reply = self.handle(first_page(request), Faults())
        return spoil_list(reply, strike.kind, strike.location)

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:  # noqa: ARG002 - answers have no links
        """Show all customers as they are, lag or not, in the order of their creation."""
        versions = ((customer, self._book.seen(customer)) for customer in self._book.after(-1))
        return [show(customer, version) for customer, version in versions if version is not None]

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer that reads see at once and that needs no validation, from the properties of a create.

        `createdOn`, `modifiedOn` (text or null, shown as they are) and `customerStatus` may be among them.
        """
        content = {name: value for name, value in fields.items() if name not in _SEEDED}
        try:
            self._desk.add(self._bodies.read_create(content, []), fields)
        except ApiError as error:
            return error.reply
        return Reply(201, applied=True)

    def reset(self) -> None:
        """Forget all customers and tokens."""
        self._book.clear()
        self._tokens.clear()

    # The documented requests.

    def _route(self, request: Request, faults: Faults) -> Reply:
        lag = faults.read_lag_seconds
        match request.segments:
            case _ if self._tokens.handles(request):
                return self._tokens.handle(request, faults) if request.method == "POST" else _not_allowed("POST")
            case "roles", "customers":
                return self._route_customers(request, lag)
            case "roles", "customers", customer_id:
                return self._route_customer(request, customer_id, lag)
            case "roles", "customer-labels", *rest:
                return self._route_labels(request, rest, lag)
            case _:
                raise not_found("Resource")

    def _route_customers(self, request: Request, lag: float) -> Reply:
        match request.method:
            case "GET":
                return self._list(request, lag)
            case "POST":
                problems = check_requestor(request, required=self._settings.requestor_on_create)
                data = self._bodies.read_create(read_object(request), problems)
                customer = self._desk.create(data, lagging=lag > 0)
                return json_reply(200, {"customerId": customer.id}, applied=True)
            case _:
                return _not_allowed("GET, POST")

    def _route_customer(self, request: Request, customer_id: str, lag: float) -> Reply:
        if request.method not in {"GET", "PATCH"}:
            return _not_allowed("GET, PATCH")
        problems = check_uuid("customerId", customer_id)
        if problems:
            raise invalid(problems)
        if request.method == "PATCH":
            return self._update(request, customer_id, lag)
        customer = self._find(customer_id)
        version = self._book.seen(customer, lag)
        if version is None:
            raise not_found("Customer")
        return json_reply(200, show(customer, version))

    def _find(self, customer_id: str) -> Customer:
        customer = self._book.find(customer_id.lower())
        if customer is None:
            raise not_found("Customer")
        return customer

    def _update(self, request: Request, customer_id: str, lag: float) -> Reply:
        problems = check_requestor(request, required=True)
        labels = self._bodies.read_update(read_object(request), problems)
        customer = self._find(customer_id)
        changes = labels is not None and self._desk.label(customer, labels, lagging=lag > 0)
        return Reply(self._settings.patch_status, headers=(), applied=changes)

    def _list(self, request: Request, lag: float) -> Reply:
        query = self._queries.read(request.query_string)
        page, more = pick(self._book, query, lag)
        pagination: dict[str, object] = {"limit": query.limit}
        if more:
            pagination["cursor"] = self._mint.make(page[-1][0].number, query.filters)
        elif self._settings.end_cursor != "absent":
            pagination["cursor"] = "" if self._settings.end_cursor == "empty" else None
        return json_reply(200, {"data": [show(*seen) for seen in page], "pagination": pagination})

    def _route_labels(self, request: Request, rest: list[str], lag: float) -> Reply:
        lagging = lag > 0
        match request.method, *rest:
            case ["GET"]:
                return json_reply(200, self._labels.count(lag))
            case "PATCH", label:
                changes = self._labels.rename(label, self._bodies.read_name(read_object(request)), lagging=lagging)
            case "DELETE", label:
                changes = self._labels.delete(label, lagging=lagging)
            case "PATCH", label, "customers":
                problems = check_label("labelName", label)
                if problems:
                    raise invalid(problems)
                changes = self._labels.put_on(label, self._bodies.read_ids(read_json(request)), lagging=lagging)
            case [_] | [_, _] | [_, _, "customers"]:
                return _not_allowed(("GET", "PATCH, DELETE", "PATCH")[len(rest)])
            case _:
                raise not_found("Resource")
        return Reply(202, headers=(), applied=changes)


def _not_allowed(allowed: str) -> Reply:
    reply = error_reply(405, "The method is not allowed for this resource", code="METHOD_NOT_ALLOWED_ERROR")
    return replace(reply, headers=(*reply.headers, (b"allow", allowed.encode())))


def tradevest_app(
    settings: TradevestSettings | None = None,
    *,
    faults: Faults | None = None,
    journal: Journal | None = None,
    clock: Clock | None = None,
) -> SandboxApp:
    """Make a tradevest sandbox, ready to be served or called in process."""
    clock = clock or Clock()
    vendor = TradevestVendor(settings or TradevestSettings(), clock)
    return SandboxApp(vendor, faults=faults, journal=journal, clock=clock)
