"""The customer API of Keypro as its documentation says, written from those pages alone.

Sources: https://support.keypro.fi/apidocs/create-new-customer-1, /get-list-of-customers-1,
/update-partial-customer-data, /delete-customer-data-1, /get-list-of-constants and /security-1. What they leave open is
a setting (`KeyproSettings`), or marked inferred beside the rule. Inferred here: a customer is shown by GET, created
with 201 and updated with 200; known paths refuse other methods with 405, and unknown ones, paths without their last
slash and ids that are no number are 404; the token is looked at before the path; a path that names nobody is 404
before its body is read; bodies that do not call themselves application/json are 415, and an empty one is no JSON; a
group of constants that nobody knows is empty. A token never expires and there is no login: the faults
`session_requests`, `session_seconds` and `strike_login` have nothing to act on.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.journal import Journal
from connectors.sandbox.keypro.book import Customer, CustomerBook
from connectors.sandbox.keypro.constant import CONSTANT_COLUMNS, Constant
from connectors.sandbox.keypro.customer import CustomerDesk
from connectors.sandbox.keypro.fault import estrange, first_page, spoil_list
from connectors.sandbox.keypro.listing import Selection, read_query, read_selection, select, wrap
from connectors.sandbox.keypro.refusal import (
    SERVER_ERROR,
    THROTTLED,
    ApiError,
    detailed,
    forbidden,
    invalid,
    method_not_allowed,
    no_credentials,
    no_object,
    not_found,
    unreadable,
    unsupported_media_type,
)
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.value import WrongValueError, read_moment

_JSON = "application/json"
_ID = re.compile("[0-9]{1,18}")


class KeyproVendor:
    """Customers and the read-only constants that they refer to, all in memory."""

    def __init__(self, settings: KeyproSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._prefix = tuple(settings.prefix.split("/")[1:])
        self._book = CustomerBook(clock.monotonic, {"customerNumber", settings.reference_field})
        self._desk = CustomerDesk(settings, self._book)
        self._columns = self._desk.columns
        self._reference_key = settings.keys[settings.reference_field]
        self._selected: tuple[tuple[object, ...], Sequence[Customer]] = ((), ())

    # What the application around it asks.

    def reference(self, request: Request) -> str | None:
        """Name the customer by the id in the path, or by the body of a create."""
        value: object = None
        match request.method, *self._path(request):
            case _, "customers", customer_id, "" if _ID.fullmatch(customer_id):
                customer = self._book.by_id(int(customer_id))
                value = customer and customer.values[self._settings.reference_field]
            case "POST", "customers", "":
                try:
                    value = _read_object(request).get(self._reference_key)
                except ApiError:
                    return None
        return str(value).strip() or None if type(value) in (str, int) else None

    def is_login(self, request: Request) -> bool:  # noqa: ARG002 - the protocol's; tokens come from Keypro's people
        """Say that there is no login."""
        return False

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let in whoever bears the token, word, blank and all."""
        given = request.headers.get("authorization", "")
        known = hmac.compare_digest(given.encode(), f"Token {self._settings.token}".encode())
        match faults.refuse_credentials:
            case 403 if known:
                return forbidden().reply
            case None if known:
                return None
            case _:
                return no_credentials().reply

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer a request as documented."""
        try:
            return self._route(request, faults.read_lag_seconds)
        except ApiError as error:
            return error.reply

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make `details` of either text alone; both are a field and what is wrong with it, none an empty object."""
        if error is not None and description is not None:
            return invalid({error: [description]}, status).reply
        text = error if description is None else description
        return invalid({}, status).reply if text is None else detailed(status, text).reply

    def server_error(self, status: int) -> Reply:
        """Make a failure of the server; its words are inferred."""
        return detailed(status, SERVER_ERROR).reply

    def throttled(self) -> Reply:
        """Make a 429; its words are inferred, the pages name no rate limit."""
        return detailed(429, THROTTLED).reply

    def stranger(self, reply: Reply) -> Reply:
        """Give a customer's answer another id and reference; other answers stay."""
        return estrange(reply, self._settings)

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:
        """Make the answer to a list of customers wrong; other answers stay."""
        if request.method != "GET" or self._path(request) != ("customers", ""):
            return reply
        if strike.kind == "first_page" and reply.status == 200:  # noqa: PLR2004 - HTTP's own figure
            reply = self.handle(first_page(request), Faults())
        return spoil_list(reply, strike.kind, strike.location, self._settings.envelope)

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:  # noqa: ARG002 - no answer has a link in it
        """Show all customers as they are, lag or not, in the order of their ids."""
        return [self._desk.show(customer) for customer in self._book.all()]

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer from the properties of a create, seen by reads at once; its modified time may be null."""
        key = self._settings.keys["dateModified"]
        given = fields.get(key)
        try:
            modified = self._clock.now() if key not in fields else None if given is None else read_moment(given)
            body = {name: value for name, value in fields.items() if name != key}
            self._book.put(self._desk.create(body, modified), 0.0)
        except WrongValueError as error:
            return invalid({key: [str(error)]}).reply
        except ApiError as error:
            return error.reply
        return Reply(201, applied=True)

    def reset(self) -> None:
        """Forget all customers; the token stays."""
        self._book.clear()

    # The documented requests.

    def _path(self, request: Request) -> tuple[str, ...]:
        """Give the path behind the prefix; nothing of another one."""
        segments, depth = request.segments, len(self._prefix)
        return segments[depth:] if segments[:depth] == self._prefix else ()

    def _route(self, request: Request, lag: float) -> Reply:
        match request.method, *self._path(request):
            case "GET", "customers", "":
                reply = self._list(request, lag)
            case "POST", "customers", "":
                reply = self._create(request, lag)
            case method, "customers", "":
                raise method_not_allowed(method, "GET, POST")
            case method, "customers", customer_id, "":
                reply = self._route_customer(method, request, customer_id, lag)
            case "GET", "txt_constants", "groupname", group, "":
                reply = self._list_constants(request, group)
            case method, "txt_constants", "groupname", _, "":
                raise method_not_allowed(method, "GET")
            case _:
                raise not_found()
        return reply

    def _route_customer(self, method: str, request: Request, customer_id: str, lag: float) -> Reply:
        if method not in ("GET", "PATCH", "DELETE"):
            raise method_not_allowed(method, "GET, PATCH, DELETE")
        customer = self._book.by_id(int(customer_id)) if _ID.fullmatch(customer_id) else None
        if customer is not None and method == "GET":
            customer = self._book.seen(customer, lag)
        if customer is None:
            raise not_found()
        match method:
            case "GET":
                return json_reply(200, self._desk.show(customer))
            case "PATCH":
                return self._update(request, customer, lag)
            case _:
                self._book.remove(customer)
                return Reply(204, headers=(), applied=True)

    def _create(self, request: Request, lag: float) -> Reply:
        customer = self._desk.create(_read_object(request), self._clock.now())
        self._book.put(customer, lag)
        return json_reply(201, self._desk.show(customer), applied=True)

    def _update(self, request: Request, current: Customer, lag: float) -> Reply:
        customer = self._desk.update(current, _read_object(request), self._clock.now())
        self._book.put(customer, lag)
        return json_reply(200, self._desk.show(customer), applied=True)

    def _list(self, request: Request, lag: float) -> Reply:
        query = read_query(request.query, self._columns, self._settings)
        rows = self._select(query.selection, lag)
        page = [self._desk.show(customer) for customer in rows[query.offset : query.offset + query.limit]]
        url = f"{request.origin}{self._settings.prefix}/customers/"
        return json_reply(200, wrap(self._settings, query, len(rows), url, page))

    def _select(self, selection: Selection, lag: float) -> Sequence[Customer]:
        """Filter and order, once for all pages of a list that is read without writes in between."""
        if lag:
            return select(self._book.all(lag), selection, self._desk.read_field)
        key = (self._book.revision, selection)
        if self._selected[0] != key:
            self._selected = key, select(self._candidates(selection), selection, self._desk.read_field)
        return self._selected[1]

    def _candidates(self, selection: Selection) -> Sequence[Customer]:
        """Spare a look-up by number the walk through all customers."""
        for condition in selection.filters:
            if condition.names_value and self._book.is_indexed(condition.field):
                return self._book.by_value(condition.field, condition.wanted)
        return self._book.all()

    def _list_constants(self, request: Request, group: str) -> Reply:
        selection = read_selection(request.query, CONSTANT_COLUMNS)
        rows = sorted((item for item in self._settings.constants if item.groupname == group), key=lambda item: item.id)
        return json_reply(200, [item.show() for item in select(rows, selection, Constant.read_field)])


def _read_object(request: Request) -> Mapping[str, object]:
    """Read the body; raises ApiError where it is no JSON object."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise unsupported_media_type(content_type)
    try:
        content = json.loads(request.body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise unreadable(str(error)) from None
    if not isinstance(content, dict):
        raise no_object(type(content).__name__)
    return content


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"Out of range float values are not JSON compliant: {name}")


def keypro_app(
    settings: KeyproSettings | None = None,
    *,
    faults: Faults | None = None,
    journal: Journal | None = None,
    clock: Clock | None = None,
) -> SandboxApp:
    """Make a Keypro sandbox, ready to be served or called in process."""
    clock = clock or Clock()
    vendor = KeyproVendor(settings or KeyproSettings(), clock)
    return SandboxApp(vendor, faults=faults, journal=journal, clock=clock)
