"""Makes Valomnia's good answers wrong in ways that only its own form knows; decides about none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Kind, ListKind
from connectors.sandbox.valomnia.listing import PAGING


def estrange(reply: Reply) -> Reply:
    """Give a customer's answer another id and reference; other answers stay."""
    content = _content(reply)
    if not {"id", "reference"} <= content.keys():
        return reply
    return json_reply(reply.status, content | {"id": content["id"] + 1, "reference": f"{content['reference']}-other"})


def spoil_list(reply: Reply, kind: Kind | ListKind, location: str) -> Reply:
    """Spoil the answer to a list request as `fault.Strike` describes it; other answers stay."""
    if not is_list(reply):
        return reply
    content = _content(reply)
    match kind:
        case "no_customers":
            content["data"] = []
        case "fewer":
            content["data"] = content["data"][::2]
        case "no_next":
            content["paging"]["next"] = None
        case "next":
            content["paging"]["next"] = location
        case _:  # `first_page`: it was another request's answer already
            pass
    return json_reply(reply.status, content)


def is_list(reply: Reply) -> bool:
    """Say whether a reply answers a list request."""
    return {"paging", "data"} <= _content(reply).keys()


def first_page(request: Request) -> Request:
    """Make of a list request the one for the first page, without filters."""
    asked = dict(parse_qsl(request.query_string))
    kept: dict[str, str] = {name: asked[name] for name in PAGING if name in asked and name != "offset"}
    return replace(request, query_string=urlencode(kept))


def _content(reply: Reply) -> dict[str, Any]:
    content = json.loads(reply.body or b"null")
    return content if isinstance(content, dict) else {}
