"""What a job file says about a Valomnia server; never shows a secret, not even in its own errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.moment import Duration
from connectors.quantity import Rate, Seconds


class Access(BaseModel):
    """Where the organisation's Valomnia is and who signs in.

    No vendor page tells how to sign in: `login_path` is what public clients of the service use (inferred).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["valomnia"]
    base_url: Annotated[str, Field(min_length=1, description="https://ORGANISATION.valomnia.com")]
    api_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", description="the version in the path")] = "v2.1"
    username: Annotated[str, Field(min_length=1, repr=False, description="who signs in")]
    password: Annotated[SecretStr, Field(min_length=1, description="the password of who signs in")]
    timeout: Annotated[Seconds, Field(description="the deadline of one whole request, such as 30s")] = 30.0
    login_path: Annotated[str, Field(pattern=r"^/\S*$", description="where to sign in")] = "/j_spring_security_check"
    trust_env: Annotated[bool, Field(description="use proxies and certificates of the environment")] = False


class ValomniaSettings(Access):
    """Valomnia as a target, and how hard it may be pressed."""

    concurrency: Annotated[int, Field(ge=1, le=256, description="requests in flight at the start")] = 16
    rate: Annotated[Rate | None, Field(description="at most so many requests, such as 50/s or 3000/min")] = None


class ValomniaSourceSettings(Access):
    """Valomnia as a source, read in the order of `lastUpdated`."""

    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)
