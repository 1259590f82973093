"""Reads a job file into frozen models, or says which file, line and key is wrong; starts nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, create_model, field_validator

from connectors.settings import Settings, TargetSettings
from flows.block import Blocks
from flows.connector import Side, kinds, settings_model
from flows.document import Document, JobError, read_document
from flows.schedule import Schedule
from mappings.field import FieldRule


class Guards(BaseModel):
    """Limits at which a run stops with exit code 4: at a page's end, or before it concludes anything from absence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rejected: Annotated[float | None, Field(ge=0, le=1, description="share of invalid and rejected, `20%`")] = None
    max_missing: Annotated[
        float | None, Field(ge=0, le=1, description="share of records fewer than in the last whole run, `5%`")
    ] = None

    @field_validator("max_rejected", "max_missing", mode="before")
    @classmethod
    def _share(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                # Decimal, because 0.7 / 100 is a little less than 0.007, and seven of a thousand would be too many.
                return float(Decimal(value.strip().removesuffix("%")) / 100)
            except InvalidOperation:
                raise ValueError("write a share as 20%") from None
        return value


class LedgerSettings(BaseModel):
    """The ledger that this job has wherever it runs; ROLLCALL_STATE and ROLLCALL_KEY serve for what is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: Annotated[SecretStr | None, Field(min_length=1, description="its address, any SQLAlchemy URL")] = None
    key: Annotated[SecretStr | None, Field(min_length=1, description="the key of its hashes")] = None


class Job(BaseModel):
    """What a job file declares; `path` is the file itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    path: Annotated[Path, Field(exclude=True)]
    job: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="the job's name")]
    source: Settings
    target: TargetSettings
    fields: Annotated[
        dict[str, FieldRule] | None,
        Field(min_length=1, description="target field: where it comes from; between two known systems it is proposed"),
    ] = None
    filter: dict[str, Any] = Field(default_factory=dict, description="source column: the values to keep")
    page_size: Annotated[int, Field(ge=1, le=10_000, description="records a page")] = 1000
    converters: tuple[str, ...] = Field(default=(), description="modules with converters of your own")
    on_missing: Annotated[Literal["keep"], Field(description="customers that left the source stay as they are")] = (
        "keep"
    )
    guards: Guards = Guards()
    schedule: Annotated[Schedule | None, Field(description="when a deployment runs it: a cron line")] = None
    ledger: LedgerSettings = LedgerSettings()

    @property
    def folder(self) -> Path:
        """The folder that the job's paths are relative to."""
        return self.path.parent


def load_job(path: Path, environment: Mapping[str, str], blocks: Blocks | None = None) -> Job:
    """Read a job file; raises JobError with one line per fault, each naming file, line and key path.

    Blocks that were read before need not be read again.
    """
    document = read_document(path, environment, blocks)
    if "path" in document.values:  # the model's own field
        raise JobError(document.complaint(("path",), "unknown key; the file of a CSV source is source.path"))
    sides: tuple[Side, Side] = ("source", "target")
    models = {side: _model(document, side) for side in sides}
    sections = {side: model for side, model in models.items() if model is not None}
    try:
        return _job_model(**sections).model_validate({**document.values, "path": path.resolve()})
    except ValidationError as error:
        # Without its input: pydantic's own texts carry neighbouring values, secrets among them.
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [_sentence(document, tuple(fault["loc"]), fault["type"], fault["msg"]) for fault in faults]
    raise JobError("\n".join(lines))


@cache
def _job_model(**sections: type[BaseModel]) -> type[Job]:
    """Make the model of jobs whose sections have these models."""
    fields: dict[str, Any] = {side: (model, ...) for side, model in sections.items()}
    made: type[Job] = create_model("Job", __base__=Job, **fields)
    return made


def _model(document: Document, side: Side) -> type[BaseModel] | None:
    """Find the model of a section, and say which kinds there are before a model complains about another one's keys."""
    section = document.values.get(side)
    if not isinstance(section, dict):
        return None
    try:
        return settings_model(side, str(section.get("kind")))
    except LookupError:
        kind = document.raw[side].get("kind")  # as the file has it: a variable's value is not for showing
        complaint = "is required" if kind is None else f"there is no kind {kind!r}"
        known = list(kinds(side))
        raise JobError(document.complaint((side, "kind"), complaint + did_you_mean(str(kind), known))) from None


def _sentence(document: Document, place: tuple[int | str, ...], kind: str, message: str) -> str:
    keys = tuple(part for part in place if document.holds(part, place))
    if kind == "extra_forbidden":
        return document.complaint(
            keys, "unknown key" + did_you_mean(str(place[-1]), _known_names(document, place[:-1]))
        )
    if kind == "missing":
        return document.complaint((*keys, str(place[-1])) if keys[-1:] != place[-1:] else keys, "is required")
    return document.complaint(keys, message.removeprefix("Value error, "))


def _known_names(document: Document, place: tuple[int | str, ...]) -> list[str]:
    """List the keys that the model at this place knows."""
    model: type[BaseModel] = Job
    match place[:1]:
        case ("source",):
            model = settings_model("source", document.values["source"]["kind"])
        case ("target",):
            model = settings_model("target", document.values["target"]["kind"])
        case ("guards",):
            model = Guards
        case ("schedule",):
            model = Schedule
        case ("ledger",):
            model = LedgerSettings
        case ("fields",):
            model = FieldRule
    return [field.alias or name for name, field in model.model_fields.items() if name != "path" or model is not Job]


def did_you_mean(name: str, known: list[str]) -> str:
    """Add the nearest known name, or all of them where none is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
