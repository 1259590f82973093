"""Lists what Keypro's customers may name: constants, by group; writes nothing.

That the ids of types, statuses, languages and restricted types are constants is inferred, and so are their groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from connectors.api.client import Client
from connectors.keypro.client import segment
from connectors.keypro.listing import read_part
from connectors.keypro.property import read_id
from connectors.protocol import Entity, PermanentError


async def list_entities(client: Client, group: str) -> list[Entity] | None:
    """Read the constants of a group; None where there is none, or none of that name. Raises the connector's errors.

    An empty group cannot be told from one that is called otherwise.
    """
    path = f"{client.origin.prefix}/txt_constants/groupname/{segment(group, 'constants')}/"
    reply = await client.ask("GET", path, "constants")
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    part = read_part(reply, "constants")
    if part.more:
        raise PermanentError("keypro: constants: the list comes in parts, which no page of the vendor tells of")
    found = {entity.id: entity for entity in map(_entity, part.customers) if entity is not None}
    return list(found.values()) or None


def _entity(constant: Mapping[str, object]) -> Entity | None:
    """Read a constant: `logical_txt` names it for programs, `txt` for people."""
    identity = read_id(constant.get("id"))
    if identity is None:
        return None
    logical, words = (text if isinstance(text, str) and text else None for text in map(constant.get, _NAMES))
    return Entity(identity, logical, words)


_NAMES = ("logical_txt", "txt")
