"""What a job file says about a tradevest platform; never shows a secret, not even in its own errors."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, SecretStr

from connectors.quantity import Seconds
from connectors.settings import ApiSettings, Settling, TargetSettings


class Access(ApiSettings):
    """Where the platform is and who asks.

    `token_url` and `scope` have no likely default: the vendor's pages name `/oauth2/token` without a scope,
    `/connect/token` with `tradevest.api`, and a third server. Inferred: `page_limit`, as no page tells how many
    customers a list gives at most.
    """

    kind: Literal["tradevest"]
    base_url: Annotated[str, Field(min_length=1, description="such as https://tvda-api.platform-prod.tradevest.ai")]
    client_id: Annotated[str, Field(min_length=1, repr=False, description="who asks for tokens")]
    client_secret: Annotated[SecretStr, Field(min_length=1, description="the secret of who asks for tokens")]
    token_url: Annotated[str, Field(min_length=1, description="where tokens are handed out")]
    scope: Annotated[str | None, Field(min_length=1, description="the scope to ask for, if any")] = None
    page_limit: Annotated[int, Field(ge=1, le=10_000, description="customers that one answer of a list may hold")] = 100


class TradevestSettings(Access, TargetSettings):
    """tradevest as a target, and how hard it may be pressed (no page tells of limits).

    Inferred: `settling`, how long a customer that was just created may stay invisible to look-ups, and `deciding`, how
    long to wait until the platform has validated what it took in.
    """

    requestor_id: Annotated[UUID, Field(repr=False, description="the natural person on whose behalf customers change")]
    settling: Annotated[Settling, Field(description="how long a new customer may not be found yet, such as 5s")] = 5.0
    deciding: Annotated[Seconds, Field(description="how long to wait for the validation of a customer")] = 60.0


class TradevestSourceSettings(Access):
    """tradevest as a source, which has no filter by last update: every run reads all customers.

    Reading needs no `requestor_id`; it may be there, so that both sides of a job can be written alike.
    """

    requestor_id: Annotated[UUID | None, Field(repr=False, description="not needed for reading")] = None
