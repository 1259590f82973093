"""Lists what JTL-Wawi's customers may name: groups, categories, companies, payment methods; writes nothing.

The lists are documented as plain arrays; that their members are called `Id` and `Name` is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.api.action import Action
from connectors.api.body import parse
from connectors.api.client import Client
from connectors.jtl.answer import action_for, failure
from connectors.jtl.name import pick
from connectors.protocol import Entity, TransientError

_INT32 = 2**31
RESOURCES: Mapping[str, str] = {
    "customer_group": "customerGroups",
    "customer_category": "customerCategories",
    "company": "companies",
    "payment_method": "paymentMethods",
}


async def list_entities(client: Client, customers: str, kind: str) -> list[Entity] | None:
    """Read a whole list, beside the customers' path; None where the server has none. Raises the connector's errors."""
    path = f"{customers.rpartition('/')[0]}/{RESOURCES[kind]}"
    reply = await client.ask("GET", path, "list")
    match action_for(reply):
        case Action.ACCEPTED:
            pass
        case Action.ABSENT:
            return None
        case action:
            raise failure(action, reply, "list")
    content = parse(reply.body)
    if not isinstance(content, list):
        raise TransientError("jtl: list: the answer is no list")
    found = [entity for entity in map(_entity, content) if entity is not None]
    return list({entity.id: entity for entity in found}.values())


def _entity(entry: object) -> Entity | None:
    if not isinstance(entry, dict):
        return None
    identity, name = pick(entry, "Id"), pick(entry, "Name")
    if isinstance(identity, bool) or not isinstance(identity, int) or not 0 <= identity < _INT32:
        return None  # nothing that a customer could name: ids are documented to be int32
    return Entity(str(identity), None, name if isinstance(name, str) else None)
