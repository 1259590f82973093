"""What a job file says about a Valomnia server; never shows a secret, not even in its own errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from connectors.moment import Duration
from connectors.settings import ApiSettings, TargetSettings

Host = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$")
]


class Access(ApiSettings):
    """Where the organisation's Valomnia is and who signs in.

    No vendor page tells how to sign in: `login_path` is what public clients of the service use (inferred).
    """

    kind: Literal["valomnia"]
    base_url: Annotated[str, Field(min_length=1, description="https://ORGANISATION.valomnia.com")]
    api_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", description="the version in the path")] = "v2.1"
    username: Annotated[str, Field(min_length=1, repr=False, description="who signs in")]
    password: Annotated[SecretStr, Field(min_length=1, description="the password of who signs in")]
    login_path: Annotated[str, Field(pattern=r"^/\S*$", description="where to sign in")] = "/j_spring_security_check"


class ValomniaSettings(Access, TargetSettings):
    """Valomnia as a target."""

    image_hosts: Annotated[tuple[Host, ...], Field(description="hosts that images may be fetched from")] = ()


class ValomniaSourceSettings(Access):
    """Valomnia as a source, read in the order of `lastUpdated`."""

    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)
