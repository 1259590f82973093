"""Who may call a tradevest sandbox, and every point where the vendor's pages leave it open how the server behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class TradevestSettings:
    """Each default marked *inferred* is our reading of the vendor's pages, not the vendor's word.

    Ids of entities are keys in lower case, as answers show them.

    - `client_id`, `client_secret`: who gets tokens.
    - `requestor_id`: the natural person that a job file names; any other uuid does as well (inferred).
    - `token_seconds`: how long a token lives, and what `expires_in` says; the documented default.
    - `scope`: what the path of the guide, `/connect/token`, asks for; `/oauth2/token` asks for none.
    - `patch_status`: of an accepted PATCH (inferred: 202, as its siblings' empty answers; never seen for this one).
    - `requestor_on_create`: a POST needs `Requestor-ID` (inferred: off; an older page has it, the newer one does not).
    - `unknown_properties`: of a body; "refuse" answers 400 (inferred: refuse, which shows misspelt names).
    - `unknown_query`: parameters of a list that its page does not have (inferred: ignore).
    - `labels_merge`: a PATCH adds its labels to those there are (inferred: off, it replaces them).
    - `duplicate_entity`: a POST for an entity that already is a customer answers "409", or "allow" makes another one
      (inferred: 409; it is on the page, but not what for).
    - `entities`: the entities there are, uuid -> entityType; any other, or another type, is a 400 on `entityId`
      (inferred). None: every uuid is an entity of every type.
    - `validation_seconds`: how long a create stays `RECEIVED`, and a PATCH unseen (0: settled at once).
    - `invalid_entities`: creates that are answered 200 and then turn `INVALID`.
    - `invalid_kept_seconds`: when an `INVALID` customer is gone from all reads (inferred: "removed later").
    - `status`: what a validated customer's `customerStatus` is, by entity; any word, `CREATED` for the others.
    - `limit_required`: a list without `limit` is a 400 (inferred: off; the page has it required with default 20).
    - `limit_maximum`: the most that `limit` may ask for, a larger one is a 400 (inferred).
    - `end_cursor`: how the last page's `pagination.cursor` looks: "empty", "absent" or "null" (inferred: empty, as in
      a sibling's sample).
    """

    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox", repr=False)
    requestor_id: str = "5f0c2f0e-58a1-4d3b-9a52-0d5c1b1f7a10"
    token_seconds: int = 3600
    scope: str = "tradevest.api"
    patch_status: int = 202
    requestor_on_create: bool = False
    unknown_properties: Literal["refuse", "ignore"] = "refuse"
    unknown_query: Literal["refuse", "ignore"] = "ignore"
    labels_merge: bool = False
    duplicate_entity: Literal["409", "allow"] = "409"
    entities: Mapping[str, str] | None = None
    validation_seconds: float = 0.0
    invalid_entities: frozenset[str] = frozenset()
    invalid_kept_seconds: float = 60.0
    status: Mapping[str, str] = field(default_factory=dict)
    limit_required: bool = False
    limit_maximum: int = 100
    end_cursor: Literal["empty", "absent", "null"] = "empty"

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a job file says to sign in; the caller puts the sandbox's address in place of `{base_url}`."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "token_url": "{base_url}/oauth2/token",
            "requestor_id": self.requestor_id,
        }
