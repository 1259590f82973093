"""A server of the invented system Acme, written from the facts of `docs/adding-a-system.md`, not from its connector."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.keypro.book import Customer, CustomerBook

KEY = "acme-canary-key"
TIERS = [{"id": 1, "name": "Basic"}, {"id": 2, "name": "Gold"}]
FIELDS: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("code", "name", "email", "city", "country"), str),
    "creditLimit": (int, float),
    "active": bool,
    "tier": int,
}
LONGEST_NAME = 60
LARGEST_PART = 30


class RefusedError(Exception):
    """A request is refused; `reply` says why."""

    def __init__(self, status: int, code: str, field: str, words: str) -> None:
        super().__init__(code)
        self.reply = json_reply(status, {"code": code, "field": field, "words": words})


class AcmeVendor:
    """Customers in memory; `strict` says that a code names one customer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._book = CustomerBook(clock.monotonic, {"code"})
        self.strict = True

    def reference(self, request: Request) -> str | None:
        """Give the code of the customer that a request is about."""
        match request.method, *request.segments:
            case _, "customers", key if key.isdecimal():
                customer = self._book.by_id(int(key))
                return None if customer is None else str(customer.values["code"])
            case "POST", "customers":
                return str(json.loads(request.body).get("code"))
        return None

    def is_login(self, request: Request) -> bool:
        """Say whether a request is about nothing but the key."""
        return request.path == "/me"

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Let in whoever has the key."""
        refused = faults.refuse_credentials
        if request.headers.get("x-api-key") == KEY and (refused is None or (refused == 403 and self.is_login(request))):
            return None
        return self.error(refused or 401, "no_key", "the key is wrong")

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Answer as the page says."""
        try:
            return self._route(request, faults.read_lag_seconds)
        except RefusedError as error:
            return error.reply

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make an error."""
        return json_reply(status, {"code": error or "", "field": "", "words": description or ""})

    def server_error(self, status: int) -> Reply:
        """Make Acme's own failure."""
        return self.error(status, "internal", "something went wrong")

    def throttled(self) -> Reply:
        """Make a 429."""
        return self.error(429, "slow_down", "too many requests")

    def stranger(self, reply: Reply) -> Reply:
        """Speak of another customer."""
        content = json.loads(reply.body)
        return json_reply(reply.status, {**content, "id": 999_999, "code": "OTHER"}, applied=reply.applied)

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:  # noqa: ARG002 - the protocol's
        """Leave lists as they are: no suite of Acme's asks for a spoilt one."""
        return reply

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:  # noqa: ARG002 - there are no links
        """Show all customers as they are."""
        return [_show(customer) for customer in self._book.all()]

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer that reads see at once."""
        try:
            return self._create(fields, 0.0)
        except RefusedError as error:
            return error.reply

    def remove(self, key: int) -> None:
        """Delete a customer."""
        self._book.remove(self._find(key, 0.0))

    def reset(self) -> None:
        """Forget all customers."""
        self._book.clear()

    def _route(self, request: Request, lag: float) -> Reply:
        match request.method, *request.segments:
            case "GET", "me":
                return json_reply(200, {"name": "sandbox"})
            case "GET", "tiers":
                return json_reply(200, TIERS)
            case "GET", "customers":
                return json_reply(200, self._list(request.query, lag))
            case "POST", "customers":
                return self._create(json.loads(request.body), lag)
            case "GET", "customers", key if key.isdecimal():
                return json_reply(200, _show(self._find(int(key), lag)))
            case "PATCH", "customers", key if key.isdecimal():
                return self._update(self._find(int(key), 0.0), json.loads(request.body), lag)
        raise RefusedError(404, "not_found", "", "there is nothing here")

    def _list(self, query: Mapping[str, str], lag: float) -> Sequence[Mapping[str, object]]:
        limit = min(int(query.get("limit", LARGEST_PART)), LARGEST_PART)
        behind = [each for each in self._book.all(lag) if each.id > int(query.get("after", 0))]
        return [_show(each) for each in behind if query.get("code", each.values["code"]) == each.values["code"]][:limit]

    def _find(self, key: int, lag: float) -> Customer:
        customer = self._book.by_id(key)
        seen = None if customer is None else self._book.seen(customer, lag)
        if seen is None:
            raise RefusedError(404, "not_found", "id", "there is no such customer")
        return seen

    def _create(self, fields: Mapping[str, object], lag: float) -> Reply:
        values = {**dict.fromkeys(FIELDS), **fields}
        if self.strict and self._book.by_value("code", values["code"]):
            raise RefusedError(409, "taken", "code", "the code is taken")
        return self._save(201, self._book.next_id(), values, lag)

    def _update(self, customer: Customer, fields: Mapping[str, object], lag: float) -> Reply:
        return self._save(200, customer.id, {**customer.values, **fields}, lag)

    def _save(self, status: int, key: int, values: Mapping[str, object], lag: float) -> Reply:
        _check(values)
        customer = Customer(key, values, self._clock.now())
        self._book.put(customer, lag)
        return json_reply(status, _show(customer), applied=True)


def _show(customer: Customer) -> dict[str, object]:
    assert customer.modified is not None
    return {"id": customer.id, **customer.values, "changed": customer.modified.isoformat()}


def _check(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if name not in FIELDS:
            raise RefusedError(422, "invalid", name, f"{name} is no field of a customer")
        if value is not None and not isinstance(value, FIELDS[name]):
            raise RefusedError(422, "invalid", name, f"{name} is of the wrong kind")
    if not values["name"]:
        raise RefusedError(422, "invalid", "name", "name is missing")
    if len(str(values["name"])) > LONGEST_NAME:
        raise RefusedError(422, "invalid", "name", f"name has more than {LONGEST_NAME} characters")
    if values["tier"] not in {None, *(tier["id"] for tier in TIERS)}:
        raise RefusedError(422, "invalid", "tier", f"there is no tier {values['tier']}")


def acme_app(clock: Clock | None = None) -> SandboxApp:
    """Make the server."""
    clock = clock or Clock()
    return SandboxApp(AcmeVendor(clock), clock=clock)
