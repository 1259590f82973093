"""Makes tradevest's good answers wrong in ways that only its own form knows; decides about none."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Kind, ListKind


def estrange(reply: Reply) -> Reply:
    """Give a customer's answer, a create's as well, other ids; other answers stay."""
    content = _content(reply)
    if "customerId" not in content:
        return reply
    others = {key: _other(content[key]) for key in ("customerId", "entityId") if key in content}
    return json_reply(reply.status, content | others)


def _other(known: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, known))


def is_list(reply: Reply) -> bool:
    """Say whether this is a page of customers."""
    return {"data", "pagination"} <= _content(reply).keys()


def spoil_list(reply: Reply, kind: Kind | ListKind, location: str) -> Reply:
    """Spoil a page of customers as `fault.Strike` describes it; the cursor takes the place of `next`."""
    content = _content(reply)
    match kind:
        case "no_customers":
            content["data"] = []
        case "fewer":
            content["data"] = content["data"][::2]
        case "no_next":
            content["pagination"]["cursor"] = ""
        case "next":
            content["pagination"]["cursor"] = location
        case _:  # `first_page`: it was another request's answer already
            pass
    return json_reply(reply.status, content)


def first_page(request: Request) -> Request:
    """Make of a list request the one for the first page, without filters."""
    kept = [(name, value) for name, value in parse_qsl(request.query_string) if name == "limit"]
    return replace(request, query_string=urlencode(kept))


def _content(reply: Reply) -> dict[str, Any]:
    content = json.loads(reply.body or b"null")
    return content if isinstance(content, dict) else {}
