"""Lists what Valomnia's customers may name: categories, segmentations, users, payment types, regions; writes nothing.

The lists of segmentations and of users are inferred from links (`/customerSegmentations/7`); their pages are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from connectors.api.action import Action
from connectors.api.body import parse_object
from connectors.api.client import Client
from connectors.protocol import Entity, PermanentError, TransientError
from connectors.valomnia.answer import action_for, error_code, failure

RESOURCES: Mapping[str, str] = {
    "customer_category": "customerCategories",
    "customer_segmentation": "customerSegmentations",
    "user": "users",
    "payment_type": "paymentTypes",
    "region": "regions",
}
_PAGE = 100  # documented as the default; whether more may be asked for is not
_MOST_PAGES = 1000
_MISSING = 404


async def list_entities(client: Client, path: str, kind: str) -> list[Entity] | None:
    """Read a whole list; None where the server has none. Raises the connector's errors."""
    found: dict[str, Entity] = {}
    for page in range(_MOST_PAGES):
        query = urlencode({"max": _PAGE, "offset": page * _PAGE})
        reply = await client.ask("GET", f"{path}/{RESOURCES[kind]}?{query}", "list")
        content = parse_object(reply.body)
        match action_for(reply.status, error_code(content)):
            case Action.ACCEPTED:
                pass
            case _ if reply.status == _MISSING:
                return None
            case Action.REFUSAL:
                raise PermanentError(f"valomnia: list: status {reply.status}: the request is refused")
            case action:
                raise failure(action, reply, "list")
        match content:
            case {"paging": {"next": str() | None as following}, "data": list(data)}:
                found |= {entity.id: entity for entity in map(_entity, data) if entity is not None}
            case _:
                raise TransientError("valomnia: list: the answer is no list")
        if following is None or not data:
            return list(found.values())
    raise PermanentError("valomnia: list: it has no end")


def _entity(entry: object) -> Entity | None:
    if not isinstance(entry, dict):
        return None
    identity = entry.get("id", entry.get("userId"))
    if isinstance(identity, bool) or not isinstance(identity, int | str):
        return None
    reference, name = (text if isinstance(text, str) else None for text in (entry.get("reference"), entry.get("name")))
    return Entity(str(identity), reference, name)
