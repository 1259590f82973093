"""Makes JTL-Wawi's good answers wrong in ways that only its own form knows; decides about none.

Lists have no link, so `no_next` says that the page is the last one, and `next` says that another follows and names
the page itself as that other; `location` is not looked at.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from connectors.sandbox.exchange import Reply, Request, json_reply
from connectors.sandbox.fault import Kind, ListKind


def estrange(reply: Reply) -> Reply:
    """Give a customer's answer another id and number; other answers stay."""
    content = _content(reply)
    if not {"Id", "Number"} <= content.keys():
        return reply
    other = content | {"Id": content["Id"] + 1, "Number": f"{content['Number']}-other"}
    return _with_content(reply, other)


def spoil_list(reply: Reply, kind: Kind | ListKind) -> Reply:
    """Spoil the answer to a list request as `fault.Strike` describes it; other answers stay."""
    content = _content(reply)
    if "Items" not in content:
        return reply
    match kind:
        case "no_customers":
            content["Items"] = []
        case "fewer":
            content["Items"] = content["Items"][::2]
        case "no_next":
            content |= {"HasNextPage": False, "NextPageNumber": content["TotalPages"]}
        case "next":
            content |= {"HasNextPage": True, "NextPageNumber": content["PageNumber"]}
        case _:  # `first_page`: it was another request's answer already
            pass
    return _with_content(reply, content)


def first_page(request: Request) -> Request:
    """Make of a list request the one for the first page, without filters."""
    kept = {name: text for name, text in request.query.items() if name == "pageSize"}
    return replace(request, query_string=urlencode(kept))


def _content(reply: Reply) -> dict[str, Any]:
    content = json.loads(reply.body or b"null")
    return content if isinstance(content, dict) else {}


def _with_content(reply: Reply, content: object) -> Reply:
    return replace(reply, body=json_reply(reply.status, content).body)
