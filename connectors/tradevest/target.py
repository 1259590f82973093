"""Creates and updates tradevest's customers, each in one request; retries nothing and paces nothing.

Facts that no vendor page states and that are inferred: how a list ends (`connectors.tradevest.listing`), what most
statuses mean (`connectors.tradevest.answer`), what an update does to labels (`connectors.tradevest.form`), and that
creating takes the `Requestor-ID` too: older pages require it, the newest does not name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from connectors.api.action import Action
from connectors.api.body import UnsendableError, parse_exactly
from connectors.api.inquiry import UnfitError
from connectors.api.transport import Transport
from connectors.protocol import (
    Answer,
    Entity,
    Held,
    PermanentError,
    Roll,
    Row,
    Surprise,
    TransientError,
)
from connectors.tradevest.answer import action_for, failure, proven, read_created, read_updated, refusals
from connectors.tradevest.client import customers_path, make_client
from connectors.tradevest.form import (
    INVALID,
    changes,
    check_reference,
    creation,
    held,
    is_decided,
    objections,
    segment,
)
from connectors.tradevest.listing import CursorRefusedError, Entry, Listing, Query, read_listing
from connectors.tradevest.settings import TradevestSettings

_MOST_PARTS = 10  # of the list of one entity's customers


class TradevestTarget:
    """The customers of one tradevest platform, as a target that knows them by ids and decides about them later."""

    def __init__(self, settings: TradevestSettings, transport: Transport | None = None) -> None:
        self._settings = settings
        self._client = make_client(settings, transport)
        self._customers = customers_path(self._client.origin)
        self._headers = {"Content-Type": "application/json", "Requestor-ID": str(settings.requestor_id)}
        self._asked: set[str | None] = set()

    @property
    def address(self) -> str:
        """The kind, and the server."""
        return self._client.address

    @property
    def requests(self) -> int:
        """How many requests went out so far, signing in included."""
        return self._client.transport.requests

    @property
    def settling_seconds(self) -> float:
        """How long a customer that was just created may stay invisible, by the settings (inferred)."""
        return self._settings.settling

    @property
    def deciding_seconds(self) -> float:
        """How long to wait for the validation of a customer, by the settings (inferred)."""
        return self._settings.deciding

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def send(self, row: Row) -> Answer:
        """Create a customer, or update the labels of the one with the row's id: an update takes nothing else.

        So other values of a row with an id are left out, and where it has no labels to send, the one request asks
        whether the customer is there. A row that cannot be written as a request is refused here, without one.
        """
        try:
            check_reference(row.reference)
            if row.target_id is None:
                body = creation(row)
                reply = await self._client.send("POST", self._customers, "create", body, self._headers)
                return read_created(reply, row)
            place = f"{self._customers}/{segment(row.target_id)}"
            if (content := changes(row)) is None:
                return await self._prove(row, place)
        except UnsendableError as error:
            return Answer(None, refusals=(error.refusal,))
        return read_updated(await self._client.send("PATCH", place, "update", content, self._headers), row)

    async def look_up(self, row: Row) -> Held | None:
        """Find a customer by the row's id, else by the filter on its entity; None where it is not there.

        RECEIVED is not decided yet; INVALID and REJECTED come as refusals. By its entity, an INVALID customer is not
        held: it is removed later. A customer that was just created may not be visible yet, whichever way it is asked
        for. Raises PermanentError where the server does not keep to the filter.
        """
        try:
            check_reference(row.reference)
            place = None if row.target_id is None else f"{self._customers}/{segment(row.target_id)}"
        except UnsendableError:
            return None  # it was never sent, and nothing can be held under it
        return await self._find(row) if place is None else await self._look_up_by_id(row, place)

    async def roll(self, cursor: str | None) -> Roll:
        """Show a part of the list, by its own cursors; nobody promises that its parts fit together.

        A cursor that the server no longer takes ends the list: nothing is concluded from who was not in it. Raises
        PermanentError where the cursors do not lead on.
        """
        query = Query(self._settings.page_limit, cursor)
        if cursor is None:
            self._asked.clear()
        self._asked.add(cursor)
        try:
            listing = await self._list(query)
        except CursorRefusedError:
            return Roll({}, None, steady=False)
        if listing.cursor is not None and listing.cursor in self._asked:
            raise PermanentError("tradevest: list: the cursors lead in a circle")
        ids: dict[str, tuple[str, ...]] = {}
        for entry in listing.entries:
            if entry.customer_id is None or entry.entity_id is None:
                raise UnfitError("tradevest: list: the answer is no list of customers")
            if not _is_invalid(entry):
                ids[entry.entity_id] = (*ids.get(entry.entity_id, ()), entry.customer_id)
        return Roll(ids, listing.cursor, steady=False)

    async def entities(self, kind: str) -> Sequence[Entity] | None:  # noqa: ARG002 - the protocol's argument
        """Say that customers name nothing there is a list of."""
        return None

    async def _prove(self, row: Row, place: str) -> Answer:
        """Ask whether the customer with the row's id is there, and not turned down."""
        reply = await self._client.ask("GET", place, "look-up")
        match action_for(reply, "look-up"):
            case Action.ACCEPTED:
                customer = proven(parse_exactly(reply.body), row, "look-up")
                pending = not is_decided(customer)
                against = objections(customer, row)
                return Answer(reply.status, place.rpartition("/")[2], created=False, refusals=against, pending=pending)
            case Action.ABSENT:
                return Answer(reply.status, refusals=refusals(reply), surprise=Surprise.GONE)
            case action:
                raise failure(action, reply, "look-up")

    async def _look_up_by_id(self, row: Row, place: str) -> Held | None:
        reply = await self._client.ask("GET", place, "look-up")
        match action_for(reply, "look-up"):
            case Action.ACCEPTED:
                return held(proven(parse_exactly(reply.body), row, "look-up"), row)
            case Action.ABSENT:
                return None
            case Action.REFUSAL:  # says nothing of whether the customer is there
                raise TransientError(f"tradevest: look-up: status {reply.status}")
            case action:
                raise failure(action, reply, "look-up")

    async def _find(self, row: Row) -> Held | None:
        """Find the customer by its entity: the first that is valid, and how many more there are."""
        entity = row.reference.lower()
        shown = await self._customers_of(entity)
        bearers = [entry for entry in shown if entry.entity_id == entity]
        if shown and not bearers:
            raise PermanentError("tradevest: find: the server does not keep to the filter entityId")
        valid = [entry for entry in bearers if not _is_invalid(entry)]
        if not valid:
            return None
        if (found := held(valid[0].record, row, len(valid) - 1)) is None:
            raise TransientError("tradevest: find: the answer shows no customer")
        return found

    async def _customers_of(self, entity: str) -> list[Entry]:
        """List what the filter shows, part after part; up to the first part with a stranger, who proves it useless."""
        shown: list[Entry] = []
        cursor: str | None = None
        for _ in range(_MOST_PARTS):
            listing = await self._list(Query(self._settings.page_limit, cursor, entity), "find")
            shown += listing.entries
            cursor = listing.cursor
            if cursor is None or any(entry.entity_id != entity for entry in listing.entries):
                return shown
        raise TransientError("tradevest: find: the list of one entity's customers has no end")

    async def _list(self, query: Query, operation: Literal["find", "list"] = "list") -> Listing:
        reply = await self._client.ask("GET", query.target(self._customers), operation)
        return read_listing(reply, query, operation)


def _is_invalid(entry: Entry) -> bool:
    return entry.record.get("customerStatus") == INVALID
