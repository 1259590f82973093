"""Reads the JSON object that a write carries; what is in it is looked at elsewhere.

Inferred: the media type must be JSON, and a body that cannot be read is a 400 that names no property.
"""

from __future__ import annotations

import json
import re

from connectors.sandbox.exchange import Request
from connectors.sandbox.jtl.refusal import unreadable, unsupported_media

_JSON_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json")


def read_object(request: Request) -> dict[str, object]:
    """Read the body; raises ApiError 415 for another media type, 400 where it is no object of Unicode text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _JSON_TYPE.fullmatch(kind):
        raise unsupported_media()
    try:
        content = json.loads(request.body.decode(), parse_constant=_refuse_constant)
        if "\\ud" in request.body.decode().lower():
            _encodable(content)
    except (ValueError, RecursionError):
        raise unreadable("The body is no JSON.") from None
    if not isinstance(content, dict):
        raise unreadable("The body is no JSON object.")
    return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _encodable(content: object) -> None:
    """Raise ValueError for half a surrogate pair: no answer could repeat it."""
    json.dumps(content, ensure_ascii=False).encode()
