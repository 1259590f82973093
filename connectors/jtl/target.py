"""Creates customers in JTL-Wawi and updates them by id, each in one request; retries nothing and paces nothing.

Facts that no vendor page states and that are inferred here: an update leaves alone what it does not name and clears
what is null (`connectors.jtl.form`), and a number that is taken answers 409 or a 400 about `Number`
(`connectors.jtl.answer`). The filter `number` is documented; that it is kept is checked by what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from connectors.api.action import Action
from connectors.api.auth import FixedAuth
from connectors.api.body import UnsendableError, parse_exactly
from connectors.api.transport import Transport
from connectors.jtl.answer import action_for, comparable, failure, identity, number, proven_id, read_write
from connectors.jtl.client import address, customers_path, make_client
from connectors.jtl.entity import RESOURCES, list_entities
from connectors.jtl.form import check_reference, differing, is_key, write_new, write_query, write_update
from connectors.jtl.listing import LARGEST_PAGE, Envelope, Part, read_envelope
from connectors.jtl.name import pick
from connectors.jtl.settings import JtlSettings
from connectors.protocol import Answer, Entity, Held, PermanentError, Refusal, Roll, Row, TransientError

_JSON = {"Content-Type": "application/json"}
_MOST_TWINS = 3  # one is the customer, a second makes it ambiguous, a third shows a filter that is not kept


class JtlTarget:
    """The customers of one ERP, as a target that knows them by ids of its own."""

    def __init__(self, settings: JtlSettings, transport: Transport | None = None) -> None:
        self._settings = settings
        self._client = make_client(settings, transport)
        self._path = customers_path(settings, self._client.origin)

    @property
    def address(self) -> str:
        """The kind, the server, and the tenant where there is one."""
        return address(self._settings, self._client)

    @property
    def settling_seconds(self) -> float:
        """How long a customer that was just written may stay invisible to look-ups."""
        return self._settings.settling

    @property
    def requests(self) -> int:
        """How many requests went out so far, signing in included."""
        return self._client.transport.requests

    @property
    def deciding_seconds(self) -> float:
        """Nothing is decided later."""
        return 0.0

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        if isinstance(self._client.auth, FixedAuth):  # a key is not signed in with: a request proves it
            try:
                await self._list(Part(1, 1).target(self._path), "login")
            except BaseException:
                await self._client.__aexit__()
                raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def send(self, row: Row) -> Answer:
        """Update the customer with the row's id, else create one.

        A row that cannot be written as a request (its reference, a text) is refused here, without one.
        """
        try:
            if row.target_id is None:
                method, target, body = "POST", self._path, write_new(row)
            else:
                method, target, body = "PATCH", self._place(row.target_id), write_update(row)
        except UnsendableError as error:
            return Answer(None, row.target_id, refusals=(error.refusal,))
        operation = "create" if row.target_id is None else "update"
        return read_write(await self._client.send(method, target, operation, body, _JSON), row)

    async def look_up(self, row: Row) -> Held | None:
        """Show by id, else find by the exact number; one whose id is gone may be there under another."""
        try:
            check_reference(row.reference)
        except UnsendableError:
            return None  # it was never sent, and nothing can be held under it
        if row.target_id is not None and is_key(row.target_id):
            held = await self._show(row)
            if held is not None:
                return held
        return await self._find(row)

    async def entities(self, kind: str) -> Sequence[Entity] | None:
        """List what customers may name; None where the server has no such list, or where no kind is called so."""
        return await list_entities(self._client, self._path, kind) if kind in RESOURCES else None

    async def roll(self, cursor: str | None) -> Roll:
        """Show one page of the list; parts do not fit together where customers come and go in between."""
        part = Part(int(cursor or 1), LARGEST_PAGE)
        envelope = await self._list(part.target(self._path), "list")
        ids: dict[str, tuple[str, ...]] = {}
        unread = 0
        for item in envelope.items:
            reference, key = number(item), identity(item)
            if reference is not None and key is not None:
                ids[reference] = (*ids.get(reference, ()), key)
            else:
                unread += reference is not None or pick(item, "Number") is not None
        more = envelope.more
        if more is None:
            more = envelope.number * envelope.size < envelope.total
        if more and not envelope.items:
            raise TransientError("jtl: list: a page shows nobody, and says that more come")
        return Roll(ids, str(part.number + 1) if more else None, steady=False, total=envelope.total, unread=unread)

    async def _show(self, row: Row) -> Held | None:
        reply = await self._client.ask("GET", self._place(row.target_id or ""), "look-up")
        match action_for(reply):
            case Action.ACCEPTED:
                content = parse_exactly(reply.body)
                return Held(proven_id(content, row, "look-up"), differing(content or {}, row.values))
            case Action.ABSENT:
                return None
            case Action.REFUSAL | Action.CONFLICT:  # says nothing of whether the customer is there
                raise TransientError(f"jtl: look-up: status {reply.status}")
            case action:
                raise failure(action, reply, "look-up")

    async def _find(self, row: Row) -> Held | None:
        wanted = comparable(row.reference)
        query = write_query(number=row.reference, pageSize=_MOST_TWINS)
        envelope = await self._list(f"{self._path}?{query}", "look-up")
        found = [item for item in envelope.items if number(item) == wanted]
        if not found:
            _expect_nobody(envelope, wanted)
            return None
        if len(found) < len(envelope.items) < envelope.total:
            raise PermanentError(_NOT_KEPT)  # of those not shown, some may bear the reference as well
        key = identity(found[0])
        if key is None:
            raise TransientError("jtl: look-up: the answer shows no customer")
        return Held(key, differing(found[0], row.values), len(found) - 1)

    async def _list(self, target: str, operation: str) -> Envelope:
        return read_envelope(await self._client.ask("GET", target, operation), operation)

    def _place(self, target_id: str) -> str:
        if not is_key(target_id):
            raise UnsendableError(Refusal("invalid_id", "Id", "the id that is remembered is none of this ERP's"))
        return f"{self._path}/{target_id}"


_NOT_KEPT = "jtl: look-up: the server does not keep to the filter `number`: it shows customers of other numbers"


def _expect_nobody(envelope: Envelope, wanted: str) -> None:
    """Raise where it is not certain that nobody bears the reference.

    A server whose database takes no notice of case keeps to the filter all the same when it shows `c-1` for `C-1`.
    """
    if any((number(item) or "").casefold() != wanted.casefold() for item in envelope.items):
        raise PermanentError(_NOT_KEPT)
    if len(envelope.items) < envelope.total:
        raise TransientError("jtl: look-up: fewer customers are shown than are counted")
