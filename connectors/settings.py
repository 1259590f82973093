"""What the sections `source` and `target` of a job file have in common; each connector adds its own keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.quantity import Rate, Seconds, duration_seconds

Settling = Annotated[float, BeforeValidator(duration_seconds), Field(ge=0, le=3600)]


class Settings(BaseModel):
    """One side of a job; frozen, strict about its keys, and silent about its values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: str

    @property
    def adaptation(self) -> Mapping[str, Any]:
        """How this installation differs from its system's description: `reference`, `properties`, `max_bytes`."""
        return {}


class ApiSettings(Settings):
    """A customer API, whichever side it is on."""

    base_url: Annotated[str, Field(min_length=1, description="where the API is")]
    timeout: Annotated[Seconds, Field(description="the deadline of one whole request, such as 30s")] = 30.0
    trust_env: Annotated[bool, Field(description="use proxies and certificates of the environment")] = False


class TargetSettings(ApiSettings):
    """A customer API as a target, and how hard it may be pressed."""

    concurrency: Annotated[int, Field(ge=1, le=256, description="requests in flight at the start")] = 16
    rate: Annotated[Rate | None, Field(description="at most so many requests, such as 50/s or 3000/min")] = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a connector is told beside its settings.

    `folder` is the one that paths of the job are relative to, `columns` the source columns that the job needs, and
    `properties` names the JSON property of each field, where the system's description leaves that to the job.
    """

    folder: Path
    columns: frozenset[str] = frozenset()
    properties: Mapping[str, str] = field(default_factory=dict)
