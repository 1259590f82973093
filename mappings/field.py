"""What a job says about one target field: where its value comes from and what becomes of it. Executes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mappings.name import nearest
from mappings.value import canonical_text

Plain: TypeAlias = bool | int | float | Decimal | str | dt.datetime | dt.date
Constant: TypeAlias = Plain | tuple[Plain, ...]


class Step(BaseModel):
    """One converter in a rule, with its argument where it takes one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    argument: Any = None

    @model_validator(mode="before")
    @classmethod
    def _from_job(cls, value: object) -> object:
        match value:
            case str():
                return {"name": value}
            case {"name": str()}:
                return value
            case Mapping() if len(value) == 1:
                ((name, argument),) = value.items()
                return {"name": name, "argument": argument}
            case _:
                raise ValueError("a converter is a name, or one name with its argument: {split: ','}")


class FieldRule(BaseModel):
    """Pick, convert, look up, default: one target field of a job.

    A text alone is a source column. `on_null` is `omit` (the field is not sent), `clear` (the target's field is
    emptied) or the value to send instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    sources: tuple[str, ...] = Field((), alias="from")
    const: Constant | None = None
    convert: tuple[Step, ...] = ()
    table: Mapping[str, Constant | None] | None = Field(None, alias="values")
    on_null: Constant = "omit"

    @model_validator(mode="before")
    @classmethod
    def _from_job(cls, value: object) -> object:
        if isinstance(value, str):
            return {"from": value}
        if isinstance(value, Mapping):
            known = {"from", "const", "convert", "values", "on_null"}
            for key in value.keys() - known:
                raise ValueError(f"unknown key {key}{nearest(str(key), known)}")
        return value

    @field_validator("sources", mode="before")
    @classmethod
    def _one_or_several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("convert", mode="before")
    @classmethod
    def _one_step_or_several(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else (value,)

    @field_validator("table", mode="before")
    @classmethod
    def _keys_as_text(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        if None in value:
            raise ValueError("a null has no entry in `values`; say what becomes of it with `on_null`")
        return {canonical_text(key): entry for key, entry in value.items()}

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.is_constant and (self.sources or self.convert or self.table is not None):
            raise ValueError("`const` stands alone: it takes no `from`, `convert` or `values`")
        if self.is_constant and self.const is None:
            raise ValueError("`const` is a value; leave the field out where it has none")
        if not self.is_constant and not self.sources:
            raise ValueError("says neither `from` which column it comes nor which `const` it is")
        return self

    @property
    def is_constant(self) -> bool:
        """Whether the value comes from the job and not from the record."""
        return "const" in self.model_fields_set

    @property
    def clears(self) -> bool:
        """Whether a null empties the target's field."""
        return self.on_null == "clear"

    @property
    def omits(self) -> bool:
        """Whether a null leaves the target's field alone."""
        return self.on_null == "omit"
