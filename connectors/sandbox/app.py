"""The ASGI application around a vendor: faults, journal, and control routes outside the vendor's own paths.

Knows no vendor's rules: what a request means and how its answers look is the `Vendor`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from email.utils import format_datetime
from typing import Protocol

from connectors.sandbox.clock import Clock
from connectors.sandbox.exchange import (
    HTML_HEADERS,
    Ending,
    Receive,
    Reply,
    Request,
    Scope,
    Send,
    gzip_bomb,
    json_reply,
    read_request,
    send_reply,
)
from connectors.sandbox.fault import FaultPlan, Faults, FaultsError, Forced, Strike, faults_from_json, faults_to_json
from connectors.sandbox.journal import Entry, Journal

HTML_PAGE = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body>We are back soon.</body></html>"


_ENDINGS: dict[str, Ending] = {
    "drop": "dropped",
    "reset": "reset",
    "truncate": "truncated",
    "hang": "hung",
    "drip": "dripped",
}


class Vendor(Protocol):
    """A system's documented behaviour, without a word about what may go wrong on the way."""

    def reference(self, request: Request) -> str | None:
        """Name the customer that the request is about, where it says so."""

    def is_login(self, request: Request) -> bool:
        """Say whether the request is about credentials and not about customers."""

    def admit(self, request: Request, faults: Faults) -> Reply | None:
        """Answer a request whose credentials do not let it in; None lets it in."""

    def handle(self, request: Request, faults: Faults) -> Reply:
        """Carry out a request that was let in."""

    def error(self, status: int, error: str | None, description: str | None) -> Reply:
        """Make an error in the vendor's form; None leaves a key out."""

    def server_error(self, status: int) -> Reply:
        """Make the vendor's answer to its own failure."""

    def throttled(self) -> Reply:
        """Make the vendor's 429."""

    def stranger(self, reply: Reply) -> Reply:
        """Make a successful answer speak of another customer."""

    def spoil(self, request: Request, reply: Reply, strike: Strike) -> Reply:
        """Make the answer to a list request wrong, in one of the ways of `fault.ListKind`."""

    def customers(self, origin: str) -> Sequence[Mapping[str, object]]:
        """Show every customer as the vendor would."""

    def add(self, fields: Mapping[str, object]) -> Reply:
        """Create a customer without a request, from the fields that a create takes; its dates may be among them."""

    def reset(self) -> None:
        """Forget all customers and sessions."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    reply: Reply
    ending: Ending = "answered"
    fault: str = ""


class SandboxApp:
    """Serves one vendor over ASGI; `faults` and `journal` may be read and set while it serves."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        faults: Faults | None = None,
        journal: Journal | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.vendor = vendor
        self.journal = journal or Journal()
        self._clock = clock or Clock()
        self._initial_faults = faults or Faults()
        self._plan = FaultPlan(self._initial_faults, self._clock)
        self._number = 0
        self._in_flight = 0

    @property
    def faults(self) -> Faults:
        """What goes wrong at present; setting it starts all countdowns anew."""
        return self._plan.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._plan = FaultPlan(faults, self._clock)

    def reset(self) -> None:
        """Forget customers, sessions and the journal in memory, and go back to the faults of the start."""
        self.vendor.reset()
        self.journal.clear()
        self.faults = self._initial_faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; other kinds of connection are not served."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the sandbox serves no {scope['type']}")
        request = await read_request(scope, receive)
        if request is None:
            return
        if request.segments[0] == "sandbox":
            await send_reply(self._dated(self._control(request)), "answered", scope=scope, receive=receive, send=send)
            return
        self._in_flight += 1
        try:
            half_delay = self._plan.delay_seconds() / 2
            if half_delay:
                await self._clock.sleep(half_delay)
            outcome = self._conclude(request)
            if half_delay:
                await self._clock.sleep(half_delay)
            await send_reply(self._dated(outcome.reply), outcome.ending, scope=scope, receive=receive, send=send)
        finally:
            self._in_flight -= 1

    def _dated(self, reply: Reply) -> Reply:
        """Tell the sandbox's own time, in which its customers are dated as well."""
        return _with_header(reply, b"date", format_datetime(self._clock.now().astimezone(UTC), usegmt=True))

    def _conclude(self, request: Request) -> _Outcome:
        """Decide, carry out and note a request in one go: no other request can come between."""
        reference = self.vendor.reference(request)
        outcome = self._decide(request, reference)
        answered = outcome.ending in ("answered", "truncated", "dripped")
        self._number += 1
        self.journal.append(
            Entry(
                number=self._number,
                time=self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds"),
                method=request.method,
                path=request.path,
                reference=reference,
                body_sha256=hashlib.sha256(request.body).hexdigest() if request.body else "",
                status=outcome.reply.status if answered else None,
                ending=outcome.ending,
                applied=outcome.reply.applied,
                fault=outcome.fault,
                in_flight=self._in_flight,
            )
        )
        return outcome

    def _decide(self, request: Request, reference: str | None) -> _Outcome:
        plan = self._plan
        spared = self.vendor.is_login(request) and not plan.faults.strike_login
        if not spared and plan.throttles():
            return _Outcome(self._throttled(), fault="throttle")
        strike = None if spared else plan.strike(request.method)
        if strike is not None and not strike.commits:
            return self._struck(strike, request, Reply(200))
        reply = self.vendor.admit(request, plan.faults)
        forced = None
        if reply is None:
            forced = plan.forced(reference, request.method)
            carried_out = forced is None or forced.after_commit
            reply = self.vendor.handle(request, plan.faults) if carried_out else Reply(200)
        if forced is not None:
            return self._forced(forced, reply)
        return _Outcome(reply) if strike is None else self._struck(strike, request, reply)

    def _throttled(self) -> Reply:
        reply = self.vendor.throttled()
        retry_after = self._plan.retry_after()
        return reply if retry_after is None else _with_header(reply, b"retry-after", retry_after)

    def _forced(self, forced: Forced, reply: Reply) -> _Outcome:
        if forced.drop:
            return _Outcome(reply, "dropped", "forced")
        if forced.body is not None:
            answer = Reply(forced.status, forced.body.encode())
        else:
            answer = self.vendor.error(forced.status, forced.error, forced.error_description)
        return _Outcome(replace(answer, applied=reply.applied), fault="forced")

    def _struck(self, strike: Strike, request: Request, reply: Reply) -> _Outcome:
        """Spoil `reply`, which is the vendor's own where the request was carried out."""
        ending: Ending = "answered"
        match strike.kind:
            case "error":
                answer = self.vendor.server_error(strike.status or 503)
                if strike.retry_after is not None:
                    answer = _with_header(answer, b"retry-after", strike.retry_after)
            case "empty":
                answer = Reply(strike.status or 200)
            case "html":
                answer = Reply(strike.status or 200, HTML_PAGE, HTML_HEADERS)
            case "redirect":
                answer = _with_header(Reply(strike.status or 302), b"location", strike.location)
            case "stranger":
                answer = self.vendor.stranger(reply)
            case "bomb":
                answer = Reply(200, gzip_bomb(), (*reply.headers, (b"content-encoding", b"gzip")))
            case "drop" | "reset" | "truncate" | "hang" | "drip":
                answer = reply
                ending = _ENDINGS[strike.kind]
            case _:
                answer = self.vendor.spoil(request, reply, strike)
        return _Outcome(replace(answer, applied=reply.applied), ending, strike.kind)

    def _control(self, request: Request) -> Reply:
        """Serve `/sandbox/...`: what a test may see and do from outside, without credentials."""
        match request.method, *request.segments[1:]:
            case "GET", "status":
                reply = json_reply(200, self._status())
            case "GET", "journal":
                reply = self._show_journal(request.query.get("after", "0"))
            case "GET", "customers":
                reply = json_reply(200, self.vendor.customers(request.origin))
            case "POST", "customers":
                reply = self._add_customers(request.body)
            case "GET", "faults":
                reply = Reply(200, faults_to_json(self.faults))
            case "POST", "faults":
                reply = self._set_faults(request.body)
            case "POST", "reset":
                self.reset()
                reply = json_reply(200, self._status())
            case _:
                reply = json_reply(404, {"error": "no such control route"})
        return reply

    def _status(self) -> dict[str, int]:
        entries = self.journal.entries
        return {
            "requests": len(entries),
            "applied": sum(entry.applied for entry in entries),
            "in_flight": self._in_flight,
            "most_in_flight": max((entry.in_flight for entry in entries), default=0),
        }

    def _show_journal(self, after: str) -> Reply:
        if not after.isdecimal():
            return json_reply(400, {"error": "after must be the number of an entry"})
        return json_reply(200, [asdict(entry) for entry in self.journal.entries if entry.number > int(after)])

    def _set_faults(self, body: bytes) -> Reply:
        try:
            self.faults = faults_from_json(body)
        except FaultsError as error:
            return json_reply(400, {"error": str(error)})
        return Reply(200, faults_to_json(self.faults))

    def _add_customers(self, body: bytes) -> Reply:
        """Create customers from a JSON list of objects, up to the first that is refused."""
        try:
            customers = json.loads(body)
        except ValueError:
            customers = None
        if not isinstance(customers, list) or not all(isinstance(fields, dict) for fields in customers):
            return json_reply(400, {"error": "the body must be a JSON list of objects"})
        for fields in customers:
            reply = self.vendor.add(fields)
            if not reply.applied:
                return reply
        return json_reply(201, {"created": len(customers)})


def _with_header(reply: Reply, name: bytes, value: str) -> Reply:
    return replace(reply, headers=(*reply.headers, (name, value.encode("latin-1"))))
