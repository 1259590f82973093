"""Creates, updates and finds customers in Keypro, each in one request; retries nothing and paces nothing.

Facts that no vendor page states and that are inferred here: POST on the list and PATCH and GET on the item, null as
what clears a value, that filters on the reference compare exactly, and every name of a property.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self
from urllib.parse import quote

from connectors.api.action import Action
from connectors.api.body import UnsendableError, parse_exactly, shows, write
from connectors.api.transport import Reply, Transport
from connectors.keypro.answer import action_for, failure, read_shown, read_written
from connectors.keypro.client import check_name, customers_path, make_client, segment
from connectors.keypro.entity import list_entities
from connectors.keypro.listing import Part, Query, broken_promise, expect_properties, ids_of, read_part
from connectors.keypro.property import Properties, read_id, read_reference
from connectors.keypro.settings import KeyproSettings
from connectors.protocol import (
    Answer,
    ConfigurationError,
    CredentialsError,
    Entity,
    Held,
    PermanentError,
    Refusal,
    Roll,
    Row,
    TransientError,
)

_JSON = {"Content-Type": "application/json"}  # inferred, as no page names a type
_PROMISE = "+"  # behind the id in a cursor: more was said to come
_TWINS = 3  # one who is held, another one, and a third that tells a filter that is not kept to


class KeyproTarget:
    """The customers of one Keypro environment, as a target that knows them by ids.

    `properties` gives every field its JSON property.
    """

    def __init__(
        self, settings: KeyproSettings, properties: Mapping[str, str], transport: Transport | None = None
    ) -> None:
        self._settings = settings
        self._properties = Properties({**properties, **settings.properties})
        self._reference = settings.reference_field
        self._inhabited = False  # somebody was there on entering
        self._client = make_client(settings, transport)
        self._customers = customers_path(self._client.origin)

    @property
    def address(self) -> str:
        """The kind, and the server with the path before `/customers/`."""
        return self._client.address

    @property
    def requests(self) -> int:
        """How many requests went out so far."""
        return self._client.transport.requests

    @property
    def settling_seconds(self) -> float:
        """How long a customer that was just created may stay invisible, by the settings (inferred)."""
        return self._settings.settling

    @property
    def deciding_seconds(self) -> float:
        """Nothing is decided later."""
        return 0.0

    async def __aenter__(self) -> Self:
        """Connect, and prove token, address and the names of id and reference with a list of one customer.

        Raises CredentialsError, TransientError, and ConfigurationError where nobody there speaks this API.
        """
        await self._client.__aenter__()
        try:
            part = await self._list(Query(limit=1))
            expect_properties(part.customers, self._properties, "id", self._reference)
            self._inhabited = bool(part.customers)
        except BaseException as error:
            await self._client.__aexit__()
            if isinstance(error, PermanentError) and not isinstance(error, CredentialsError):
                keys = "target.base_url, target.reference_field, target.properties"
                raise ConfigurationError(f"{error} ({keys})") from None
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.__aexit__()

    async def send(self, row: Row) -> Answer:
        """Create a customer, or update the one with the row's id; the reference goes with a create.

        A row that cannot be written as a request is refused here, without one.
        """
        try:
            check_name(row.reference, self._reference)
            if row.target_id is None:
                method, target, operation = "POST", self._customers, "create"
            else:
                method, target, operation = "PATCH", self._item(row.target_id), "update"
            body = self._body(row)
        except UnsendableError as error:
            return Answer(None, refusals=(error.refusal,))
        reply = await self._client.send(method, target, operation, body, _JSON)
        return read_written(reply, row, self._properties, self._reference)

    async def look_up(self, row: Row) -> Held | None:
        """Find a customer by the row's id, else by the filter on the reference; None where it is not there.

        Raises PermanentError where the server does not keep to the filter.
        """
        try:
            check_name(row.reference, self._reference)
            target = self._found_at(row)
        except UnsendableError:
            return None  # it was never sent, and nothing can be held under it
        reply = await self._client.ask("GET", target, "look-up")
        return self._held_by_id(reply, row) if row.target_id is not None else self._held_by_reference(reply, row)

    async def roll(self, cursor: str | None) -> Roll:
        """Show the customers behind an id, in the order of ids, so that parts fit together whatever changes.

        The end is a part without anybody; it is not steady where the part before said that more comes. Ids rise
        (inferred), so whoever is created later is shown behind the last id. The server's count is left aside: it is not
        documented, and would be of the customers behind the id alone. Raises PermanentError where the server keeps to
        neither order nor filter: no such list could be trusted.
        """
        behind, promised = (cursor.rstrip(_PROMISE), cursor.endswith(_PROMISE)) if cursor else (None, False)
        query = Query(behind)
        part = await self._list(query)
        if not part.customers and (part.more or (behind is None and self._inhabited)):
            raise TransientError("keypro: list: nobody is shown, although more is said to come")
        expect_properties(part.customers, self._properties, "id", self._reference)
        if (name := broken_promise(part, query, self._properties)) is not None:
            raise PermanentError(f"keypro: list: the server does not keep to {name}")
        ids: dict[str, tuple[str, ...]] = {}
        for identity, reference in zip(ids_of(part, self._properties), self._references(part), strict=True):
            if identity is None:
                raise PermanentError("keypro: list: a customer has no usable id")
            if reference is not None:
                ids[reference] = (*ids.get(reference, ()), identity)
            behind = identity
        if not part.customers:
            return Roll(ids, None, steady=not promised, tail=behind)
        unread = self._unread(part)
        return Roll(ids, f"{behind}{_PROMISE if part.more else ''}", steady=True, unread=unread)

    async def entities(self, kind: str) -> Sequence[Entity] | None:
        """List the constants of a kind; None where the server has no such group, or where no kind is called so."""
        group = self._settings.group(kind)
        return None if group is None else await list_entities(self._client, group)

    async def _list(self, query: Query) -> Part:
        return read_part(await self._client.ask("GET", query.target(self._customers, self._properties), "list"))

    def _item(self, target_id: str) -> str:
        return f"{self._customers}{segment(target_id, 'id')}/"

    def _found_at(self, row: Row) -> str:
        if row.target_id is not None:
            return self._item(row.target_id)
        name = quote(self._properties.name(self._reference), safe="")
        return f"{self._customers}?{name}={quote(row.reference, safe='')}&limit={_TWINS}"

    def _body(self, row: Row) -> bytes:
        values = dict(row.values)
        if row.target_id is None and read_reference(values.get(self._reference)) != read_reference(row.reference):
            values[self._reference] = row.reference
        try:
            return write({self._properties.name(field): value for field, value in values.items()})
        except UnsendableError as error:
            refusal = error.refusal
            field = self._properties.field(refusal.field.partition(".")[0])
            raise UnsendableError(Refusal(refusal.code, field, refusal.description)) from None

    def _held_by_id(self, reply: Reply, row: Row) -> Held | None:
        content = parse_exactly(reply.body)
        match action_for(reply.status, content):
            case Action.ACCEPTED:
                target_id = read_shown(content, row, self._properties, self._reference)
                return Held(target_id, self._differing(content or {}, row))
            case Action.ABSENT:
                return None
            case action:
                raise failure(action, reply, "look-up")

    def _held_by_reference(self, reply: Reply, row: Row) -> Held | None:
        if action_for(reply.status, None) is Action.REFUSAL:  # of the value, or of the filter: nobody can tell
            name = self._properties.name(self._reference)
            raise TransientError(f"keypro: look-up: status {reply.status}: the filter {name} is refused")
        part = read_part(reply, "look-up")
        reference, shown = read_reference(row.reference), self._references(part)
        held = [customer for customer, name in zip(part.customers, shown, strict=True) if name == reference]
        if not held:
            self._expect_absence(shown, reference or "", more=part.more)
            return None
        target_id = read_id(held[0].get(self._properties.name("id")))
        if target_id is None:
            raise TransientError("keypro: look-up: the answer shows no customer")
        return Held(target_id, self._differing(held[0], row), others=len(held) - 1)

    def _expect_absence(self, shown: Sequence[str | None], reference: str, *, more: bool) -> None:
        """Raise unless an answer without the customer proves that it is not held.

        Customers of other references show that the filter was not kept to; but for those that differ in case alone, as
        filters of some databases see no difference there.
        """
        if any(name is None or name.casefold() != reference.casefold() for name in shown):
            name = self._properties.name(self._reference)
            raise PermanentError(f"keypro: look-up: the server does not keep to the filter {name}")
        if more or len(shown) >= _TWINS:
            raise TransientError("keypro: look-up: the answer does not show all who may be meant")

    def _references(self, part: Part) -> list[str | None]:
        name = self._properties.name(self._reference)
        return [read_reference(customer.get(name)) for customer in part.customers]

    def _unread(self, part: Part) -> int:
        """Count the customers whose reference is shown in a way that cannot be compared, or is not shown at all."""
        name = self._properties.name(self._reference)
        shown = [customer.get(name, ...) for customer in part.customers]
        return sum(value is not None and value != "" and read_reference(value) is None for value in shown)

    def _differing(self, customer: Mapping[str, object], row: Row) -> tuple[str, ...]:
        """Name the fields of a row that a customer does not prove; a property that is not shown proves nothing."""
        return tuple(sorted(field for field, value in row.values.items() if not self._is_shown(customer, field, value)))

    def _is_shown(self, customer: Mapping[str, object], field: str, value: object) -> bool:
        name = self._properties.name(field)
        if field == self._reference:
            return read_reference(customer.get(name)) == read_reference(value)
        return name in customer and shows(customer[name], value)
