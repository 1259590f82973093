"""Makes Keypro's good answers wrong in ways that only its own form knows; decides about none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Kind, ListKind
from connectors.sandbox.keypro.listing import ENVELOPES, PAGING
from connectors.sandbox.keypro.setting import KeyproSettings

_SUCCESS = (200, 201)


def estrange(reply: Reply, settings: KeyproSettings) -> Reply:
    """Give a customer's answer another id and reference; other answers stay."""
    content = _content(reply)
    id_key, key = settings.keys["id"], settings.keys[settings.reference_field]
    if not isinstance(content, dict) or not {id_key, key} <= content.keys():
        return reply
    reference = content[key]
    other = reference + 1 if isinstance(reference, int) else f"{reference or ''}-other"
    return json_reply(reply.status, content | {id_key: content[id_key] + 1, key: other})


def spoil_list(reply: Reply, kind: Kind | ListKind, location: str, envelope: str) -> Reply:
    """Spoil a page of customers as `fault.Strike` describes it; a bare array has no link that could be wrong."""
    content = _content(reply)
    if content is None:
        return reply
    is_bare = envelope == "bare"
    next_key, _, rows_key, _ = ENVELOPES["documented" if is_bare else envelope]
    page: dict[str, Any] = {rows_key: content} if is_bare else content
    match kind:
        case "no_customers":
            page[rows_key] = []
        case "fewer":
            page[rows_key] = page[rows_key][::2]
        case "no_next":
            page[next_key] = None
        case "next":
            page[next_key] = location
        case _:  # `first_page`: it was another request's answer already
            pass
    return json_reply(reply.status, page[rows_key] if is_bare else page)


def first_page(request: Request) -> Request:
    """Make of a list request the one for the first page, without filters."""
    asked = dict(parse_qsl(request.query_string))
    kept: dict[str, str] = {name: asked[name] for name in PAGING if name in asked and name != "offset"}
    return replace(request, query_string=urlencode(kept))


def _content(reply: Reply) -> Any:
    return json.loads(reply.body) if reply.status in _SUCCESS and reply.body else None
