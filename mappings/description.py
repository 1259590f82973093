"""The parts of a system's description: its fields, what they refer to, its codes and its words. Reads no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mappings.name import nearest
from mappings.vocabulary import VOCABULARY

FieldType: TypeAlias = Literal["text", "boolean", "integer", "decimal", "list", "file", "date", "datetime"]
Constraint: TypeAlias = Literal[
    "required", "type", "unique", "unknown", "other_than", "choices", "pattern", "max_length", "min_length",
    "max_items", "parallel", "range", "file_size", "file_type",
]  # fmt: skip

CUSTOMER = "customer"
"""What a field refers to that holds the reference of another customer."""

# What we say where a system documents nothing of its own for a constraint that its description states.
OUR_VERDICTS: Mapping[Constraint, tuple[str, str]] = {
    "required": ("invalid_value", "{field} is missing"),
    "type": ("invalid_value", "{field} is not a valid {type}"),
    "unique": ("not_unique", "reference already used"),
    "unknown": ("not_found", "there is no {entity} {value}"),
    "other_than": ("invalid_value", "{field} names the customer itself"),
    "choices": ("invalid_value", "{field} is none of {choices}"),
    "pattern": ("invalid_value", "{field} does not have the form that is asked for"),
    "max_length": ("too_long", "{field} has more than {max_length} characters"),
    "min_length": ("too_short", "{field} has fewer than {min_length} characters"),
    "max_items": ("too_long", "{field} has more than {max_items} entries"),
    "parallel": ("invalid_value", "{field} has not as many entries as the lists that belong to it"),
    "range": ("invalid_value", "{field} is not {range}"),
    "file_size": ("too_long", "{field} has more than {max_bytes} bytes"),
    "file_type": ("invalid_value", "{field} is none of {formats}"),
}
# Of a list these judge every entry.
OF_ENTRIES: frozenset[Constraint] = frozenset({"choices", "pattern", "max_length", "min_length"})

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Code(BaseModel):
    """One of the system's own error codes, and what it means in plain words."""

    model_config = _STRICT

    title: str
    cause: str
    advice: str


class Verdict(BaseModel):
    """The code with which the system answers a broken constraint, and its words; without words they are ours.

    `{field}`, `{value}`, `{entity}` and the field's limits are filled in.
    """

    model_config = _STRICT

    code: str
    words: str | None = None


class EntityKind(BaseModel):
    """A kind of thing of the system's own that customers refer to, such as its payment types."""

    model_config = _STRICT

    label: str = Field(description="what the system calls it in its error texts")
    sends: Literal["id", "reference"] = Field(description="what is sent to name one; an id is a whole number")
    unknown: Verdict | None = Field(None, description="the system's answer to one that it does not have")


class Condition(BaseModel):
    """Another field, and the value of it that makes this one required."""

    model_config = _STRICT

    field: str
    equals: bool | int | str


class SystemField(BaseModel):
    """One field that the system takes or shows; limits stand here only where the vendor documents them."""

    model_config = _STRICT

    type: FieldType = "text"
    items: Literal["text", "integer"] | None = None
    parallel: bool = Field(default=False, description="a list beside others of its object: the same place, one item")
    means: str | None = Field(None, description="its word in the common customer vocabulary")
    form: Literal["country_code"] | None = Field(None, description="how it is written, and the converter to that")
    read: str | None = Field(None, description="the source column in which it comes back, where that differs")
    read_values: Mapping[str, str] = Field(default_factory=dict, description="value as shown: value as written")
    read_only: bool = Field(default=False, description="shown and never sent")
    write_only: bool = Field(default=False, description="never shown in a form that could be sent")
    create_only: bool = Field(default=False, description="taken with a new customer, and cannot be changed later")
    spoken: str | None = Field(None, description="its name in the system's error texts, where that differs")
    personal: bool = Field(default=False, description="personal data: kept out of everything but the payload")
    refers_to: str | None = Field(None, description="`customer` for another one's reference, or one of the entities")
    required: bool = Field(default=False, description="must be there when a customer is created or upserted")
    required_when: Condition | None = None
    required_with: str | None = None
    required_with_any: str | None = Field(None, description="required with any other field of this object")
    other_than: str | None = Field(None, description="must not equal this other field of the same customer")
    choices: tuple[str, ...] = ()
    pattern: str | None = Field(None, description="regular expression that the whole text must match")
    max_length: int | None = None
    min_length: int | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    max_items: int | None = None
    max_bytes: int | None = None
    formats: tuple[str, ...] = ()
    verdicts: Mapping[Constraint, Verdict] = Field(
        default_factory=dict, description="its own answers to broken constraints"
    )

    @field_validator("means")
    @classmethod
    def _known_word(cls, means: str | None) -> str | None:
        if means is not None and means not in VOCABULARY:
            raise ValueError(f"the common vocabulary has no word {means}{nearest(means, VOCABULARY)}")
        return means

    @field_validator("pattern")
    @classmethod
    def _compilable(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"the pattern is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.read_only and (self.required or self.write_only or self.create_only):
            raise ValueError("what is only shown is neither required nor ever sent")
        if self.write_only and (self.read is not None or self.read_values):
            raise ValueError("what never comes back has no name or values to come back in")
        if self.type != "list" and (self.items is not None or self.parallel or self.max_items is not None):
            raise ValueError("only a list has entries")
        if (self.minimum, self.maximum) != (None, None) and self.type not in {"integer", "decimal"}:
            raise ValueError("only a number has a smallest and a greatest")
        return self

    @property
    def range(self) -> str:
        """The numbers that it takes, in words."""
        low, high = self.minimum, self.maximum
        if low is not None and high is not None:
            return f"between {low:,} and {high:,}"
        return f"at least {low:,}" if low is not None else f"at most {high:,}" if high is not None else "any number"
