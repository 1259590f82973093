"""The customer API of Valomnia as its documentation says, chapter 11 of version 2.1, written from that page alone.

Source: https://developers.valomnia.com/ref/Customers/list.html. What the page leaves open is a setting
(`ValomniaSettings`), or marked inferred beside the rule. Inferred here: known paths refuse other methods with 405
`method_not_allowed`, unknown paths are 404 `not_found`, bodies that are no form are 415 `unsupported_media_type` or 400
`invalid_param`, any `v<number>.<number>` is a version, and references are matched case and all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.form import Form, FormError, MediaTypeError
from connectors.sandbox.journal import Journal
from connectors.sandbox.valomnia.answer import ANSWER_KEYS, CustomerView, Link, show_entity
from connectors.sandbox.valomnia.book import Customer, CustomerBook, read_value
from connectors.sandbox.valomnia.customer import CustomerDesk
from connectors.sandbox.valomnia.fault import estrange, first_page, is_list, spoil_list
from connectors.sandbox.valomnia.listing import DATE_FILTERS, DATES, Query, make_paging, read_query, select
from connectors.sandbox.valomnia.refusal import ApiError, delete_failed, invalid_param, missing, not_found
from connectors.sandbox.valomnia.seed import Pool, Seeds
from connectors.sandbox.valomnia.session import SessionDesk
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.value import read_long

_VERSION = re.compile(r"v[0-9]+\.[0-9]+")
_DEFAULT_VERSION = "v2.1"
_FILTERS = (*DATE_FILTERS, "reference", "name", "categoryReference", "isActive")
_UNSORTABLE = {"customerCategory", "parentCustomer", "customerSegmentation", "createdBy", "paymentTypes", "contacts"}
_SORTS = tuple(name for name in ANSWER_KEYS if name not in _UNSORTABLE)


class ValomniaVendor:
    """Customers, the login, and read-only lists of categories, payment types and regions, all in memory."""

    def __init__(self, settings: ValomniaSettings, seeds: Seeds, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._book = CustomerBook(clock.monotonic)
        self._desk = CustomerDesk(settings, seeds, self._book)
        self._sessions = SessionDesk(settings, clock)
        self._view = CustomerView(
            self._book, settings.organization, geographical_locations=settings.geographical_locations
        )
        pools = (self._desk.categories, self._desk.payment_types, self._desk.regions)
        self._pools = {pool.resource: pool for pool in pools}
        self._selected: tuple[tuple[object, ...], Sequence[Customer]] = ((), ())

    # What the application around it asks.

    def reference(self, request: Request) -> str | None:
        """Name the customer by the path, by the id in it, or by the form of a create."""
        match request.segments:
            case "api", _, "customers", "reference", reference:
                return reference
            case "api", _, "customers", customer_id if re.fullmatch("[0-9]{1,18}", customer_id):
                customer = self._book.by_id(int(customer_id))
                return None if customer is None else customer.reference
            case "api", _, "customers" if request.method == "POST":
                try:
                    return request.form.fields.get("reference")
                except FormError:
                    return None
            case _:
                return None

    def is_login(self, request: Request) -> bool:
        """Say whether the request is one of the two of the login."""
        return self._sessions.handles(request)

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let the login in, and every request that bears a living session."""
        return None if self.is_login(request) else self._sessions.admit(request, faults)

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a request as documented."""
        try:
            return self._route(request, faults)
        except ApiError as error:
            return error.reply
        except MediaTypeError:
            return self.error(415, "unsupported_media_type", "The content type of the request is not supported.")
        except FormError:
            return invalid_param(["body"]).reply

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make an error object of the keys that are given."""
        content = {"error": error, "error_description": description}
        return json_reply(status, {key: text for key, text in content.items() if text is not None})

    def server_error(self, status: int) -> Reply:
        """Make the documented 500, under any status."""
        return self.error(status, "server_error", "Oops! Something went wrong...")

    def throttled(self) -> Reply:
        """Make a 429; its body is inferred, the page names no rate limit."""
        return self.error(429, "too_many_requests", "Too many requests.")

    def stranger(self, reply: Reply) -> Reply:
        """Give a customer's answer another id and reference; other answers stay."""
        return estrange(reply)

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:
        """Make the answer to a list request wrong; other answers stay."""
        if strike.kind == "first_page" and is_list(reply):
            reply = self.handle(first_page(request), Faults())
        return spoil_list(reply, strike.kind, strike.location)

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:
        """Show all customers as they are, lag or not, in the order of their creation."""
        link = self._link(_DEFAULT_VERSION, origin)
        return [self._view.show(customer, link) for customer in self._book.all()]

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer from form fields, seen by reads at once; its dates may be given, empty for null."""
        texts = {name: str(value) for name, value in fields.items()}
        dates = {name: text or None for name, text in texts.items() if name in DATES}
        form = Form({name: text for name, text in texts.items() if name not in DATES})
        try:
            customer = self._desk.create(form, self._clock.now())
        except ApiError as error:
            return error.reply
        created, updated = (dates.get(name, customer.updated) for name in DATES)
        self._book.put(replace(customer, created=created, updated=updated), 0.0)
        return Reply(201, applied=True)

    def reset(self) -> None:
        """Forget all customers and sessions."""
        self._book.clear()
        self._sessions.clear()

    # The documented requests.

    def _route(self, request: Request, faults: Faults) -> Reply:
        if self._sessions.handles(request):
            return self._sessions.handle(request, faults)
        match request.segments:
            case "api", version, "customers", *rest if _VERSION.fullmatch(version):
                return self._route_customer(request, faults, rest)
            case "api", version, resource, *rest if _VERSION.fullmatch(version) and resource in self._pools:
                if request.method != "GET":
                    return self._method_not_allowed("GET")
                return self._show_pool(request, self._pools[resource], rest)
            case _:
                return self.error(404, "not_found", "The requested resource doesn't exist.")

    def _route_customer(self, request: Request, faults: Faults, rest: list[str]) -> Reply:
        lag = faults.read_lag_seconds
        match request.method, *rest:
            case ["GET"]:
                reply = self._list(request, lag)
            case ["POST"]:
                reply = self._create(request, lag)
            case "GET", *_:
                reply = self._show(request, self._visible(rest, lag))
            case "POST", "reference", reference:
                reply = self._upsert(request, reference, lag)
            case "POST", *_:
                reply = self._update(request, self._find(rest), lag, by_reference=False)
            case "DELETE", _, *_:
                reply = self._delete(self._find(rest))
            case _:
                reply = self._method_not_allowed("GET, POST, DELETE" if rest else "GET, POST")
        return reply

    def _method_not_allowed(self, allowed: str) -> Reply:
        reply = self.error(405, "method_not_allowed", "The method is not allowed for this resource.")
        return Reply(reply.status, reply.body, (*reply.headers, (b"allow", allowed.encode())))

    def _find(self, rest: list[str]) -> Customer:
        """Find the customer that the rest of a path names; raises ApiError."""
        match rest:
            case ["reference", identifier]:
                customer = self._book.by_reference(identifier)
            case [identifier]:
                customer = self._book.by_id(read_long("id", identifier))
            case _:
                raise ApiError(404, "not_found", "The requested resource doesn't exist.")
        if customer is None:
            raise not_found("customer", identifier)
        return customer

    def _visible(self, rest: list[str], lag: float) -> Customer:
        customer = self._book.seen(self._find(rest), lag)
        if customer is None:
            raise not_found("customer", rest[-1])
        return customer

    def _show(self, request: Request, customer: Customer, status: int = 200, *, applied: bool = False) -> Reply:
        link = self._link(request.segments[1], request.origin)
        return json_reply(status, self._view.show(customer, link), applied=applied)

    def _create(self, request: Request, lag: float) -> Reply:
        customer = self._desk.create(request.form, self._clock.now())
        self._book.put(customer, lag)
        return self._show(request, customer, 201, applied=True)

    def _update(self, request: Request, current: Customer, lag: float, *, by_reference: bool) -> Reply:
        customer = self._desk.update(current, request.form, self._clock.now(), by_reference=by_reference)
        self._book.put(customer, lag)
        status = 201 if by_reference and self._settings.always_201 else 200
        return self._show(request, customer, status, applied=True)

    def _upsert(self, request: Request, reference: str, lag: float) -> Reply:
        """Update or create: the page gives both the same method and path."""
        if not reference:
            raise missing("reference")
        current = self._book.by_reference(reference)
        if current is not None:
            return self._update(request, current, lag, by_reference=True)
        customer = self._desk.create(request.form, self._clock.now(), reference)
        self._book.put(customer, lag)
        return self._show(request, customer, 201, applied=True)

    def _delete(self, customer: Customer) -> Reply:
        if self._settings.children_block_delete and self._book.has_children(customer):
            raise delete_failed()
        self._book.remove(customer)
        content = {"success": "true", "success_description": "Instance deleted successfully"}
        return json_reply(200, content, applied=True)

    def _list(self, request: Request, lag: float) -> Reply:
        query = read_query(request.query, filters=_FILTERS, sorts=_SORTS, page_limit=self._settings.page_limit)
        rows = self._select(query, lag)
        link = self._link(request.segments[1], request.origin)
        page = [self._view.show(customer, link) for customer in rows[query.offset : query.offset + query.max]]
        return self._page(query, len(rows), f"{link.prefix}/customers", page)

    def _select(self, query: Query, lag: float) -> Sequence[Customer]:
        """Filter and sort, once for all pages of a list that is read without writes in between."""
        if lag:
            return select(self._book.all(lag), query, read_value)
        key = (self._book.revision, query.selection)
        if self._selected[0] != key:
            self._selected = key, select(self._book.all(), query, read_value)
        return self._selected[1]

    def _page(self, query: Query, total: int, path: str, data: Sequence[object]) -> Reply:
        paging = make_paging(query, total, path, filters_in_next=self._settings.filters_in_next)
        return json_reply(200, {"paging": paging, "data": data})

    def _show_pool(self, request: Request, pool: Pool, rest: list[str]) -> Reply:
        organization = self._settings.organization
        match rest:
            case []:
                rows = [show_entity(pool, entity, organization) for entity in pool.entities]
                sorts = rows[0].keys() if rows else ("dateCreated",)
                filters = (*DATE_FILTERS, *(name for name in ("reference", "name") if name in sorts))
                query = read_query(request.query, filters=filters, sorts=sorts, page_limit=self._settings.page_limit)
                selected = select(rows, query, dict.get)
                path = f"{self._link(request.segments[1], request.origin).prefix}/{pool.resource}"
                return self._page(query, len(selected), path, selected[query.offset : query.offset + query.max])
            case ["reference", identifier]:
                entity = pool.by_reference(identifier)
            case [identifier]:
                entity = pool.by_id(read_long("id", identifier))
            case _:
                return self.error(404, "not_found", "The requested resource doesn't exist.")
        if entity is None:
            raise not_found(pool.kind, identifier)
        return json_reply(200, show_entity(pool, entity, organization))

    def _link(self, version: str, origin: str) -> Link:
        return Link(f"/api/{self._settings.href_version or version}", origin)


def valomnia_app(
    settings: ValomniaSettings | None = None,
    *,
    seeds: Seeds | None = None,
    faults: Faults | None = None,
    journal: Journal | None = None,
    clock: Clock | None = None,
) -> SandboxApp:
    """Make a Valomnia sandbox, ready to be served or called in process."""
    clock = clock or Clock()
    vendor = ValomniaVendor(settings or ValomniaSettings(), seeds or Seeds(), clock)
    return SandboxApp(vendor, faults=faults, journal=journal, clock=clock)
