"""The description of a target system, read from `systems/<name>.yaml`: its fields, its limits, its errors' words.

It is the single truth for checks, typing and redaction. It talks to no system and knows no job.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from ruamel.yaml import YAML

from mappings.finding import CODES, Advice, Finding
from mappings.vocabulary import VOCABULARY

FOLDER = Path(__file__).with_name("systems")

FieldType: TypeAlias = Literal["text", "boolean", "integer", "decimal", "list", "file", "date", "datetime"]
Constraint: TypeAlias = Literal[
    "required", "type", "unique", "other_than", "choices", "pattern", "max_length", "min_length", "max_items",
    "file_size", "file_type",
]  # fmt: skip

# What we say where a system documents nothing of its own for a constraint that its description states.
OUR_VERDICTS: Mapping[str, tuple[str, str]] = {
    "required": ("invalid_value", "{field} is missing"),
    "type": ("invalid_value", "{field} is not a valid {type}"),
    "unique": ("not_unique", "reference already used"),
    "other_than": ("invalid_value", "{field} names the customer itself"),
    "choices": ("invalid_value", "{field} is none of {choices}"),
    "pattern": ("invalid_value", "{field} does not have the form that is asked for"),
    "max_length": ("too_long", "{field} has more than {max_length} characters"),
    "min_length": ("too_short", "{field} has fewer than {min_length} characters"),
    "max_items": ("too_long", "{field} has more than {max_items} entries"),
    "file_size": ("too_long", "{field} has more than {max_bytes} bytes"),
    "file_type": ("invalid_value", "{field} is none of {formats}"),
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Code(_Part):
    """One of the system's own error codes, and what it means in plain words."""

    title: str
    cause: str
    advice: str


class Verdict(_Part):
    """The code and words with which the system answers a broken constraint; `{field}` and `{value}` are filled in."""

    code: str
    words: str


class Condition(_Part):
    """Another field, and the value of it that makes this one required."""

    field: str
    equals: bool | int | str


class SystemField(_Part):
    """One field that the system accepts; limits stand here only where the vendor documents them."""

    type: FieldType = "text"
    items: Literal["text", "integer"] | None = None
    means: str | None = Field(None, description="its word in the common customer vocabulary")
    read: str | None = Field(None, description="its name in the system's answers, where that differs")
    spoken: str | None = Field(None, description="its name in the system's error texts, where that differs")
    personal: bool = Field(default=False, description="personal data: kept out of everything but the payload")
    refers_to: Literal["customer"] | None = Field(None, description="holds the reference of another customer")
    required: bool = Field(default=False, description="must be there when a customer is created or upserted")
    required_when: Condition | None = None
    required_with: str | None = None
    other_than: str | None = Field(None, description="must not equal this other field of the same customer")
    choices: tuple[str, ...] = ()
    pattern: str | None = Field(None, description="regular expression that the whole text must match")
    max_length: int | None = None
    min_length: int | None = None
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


class System(_Part):
    """A system as its vendor documents it."""

    name: str
    label: str
    documentation: str
    reference: str = Field(description="the field that names a customer on both sides")
    fields: Mapping[str, SystemField]
    verdicts: Mapping[Constraint, Verdict] = Field(default_factory=dict)
    codes: Mapping[str, Code] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = {self.reference: "reference"}
        for name, field in self.fields.items():
            named |= {other: name for other in (field.required_with, field.other_than) if other is not None}
            if field.required_when is not None:
                named[field.required_when.field] = name
        for other, name in named.items():
            if other not in self.fields:
                raise ValueError(f"{name} names the field {other}, which is not described")
        return self

    def __repr__(self) -> str:
        return f"<system {self.name}>"

    @property
    def personal(self) -> frozenset[str]:
        """The fields that hold personal data."""
        return frozenset(name for name, field in self.fields.items() if field.personal)

    @property
    def references(self) -> frozenset[str]:
        """The fields that hold a customer's reference: the customer's own, and those of other customers."""
        others = {name for name, field in self.fields.items() if field.refers_to == "customer"}
        return frozenset(others | {self.reference})

    def finding(self, constraint: Constraint, field: str) -> Finding:
        """Word a broken constraint as the system itself would; `{value}` stays for whoever knows the value."""
        described = self.fields.get(field, SystemField())
        verdict = described.verdicts.get(constraint) or self.verdicts.get(constraint)
        code, words = (verdict.code, verdict.words) if verdict else OUR_VERDICTS[constraint]
        facts = {
            "field": described.spoken or field,
            "type": described.type,
            "choices": ", ".join(described.choices),
            "formats": ", ".join(described.formats),
            "max_length": described.max_length,
            "min_length": described.min_length,
            "max_items": described.max_items,
            "max_bytes": described.max_bytes,
            "value": "{value}",
        }
        return Finding(code, field, words.format_map(facts))

    def adapted(self, *, reference: str | None = None, max_bytes: Mapping[str, int] | None = None) -> System:
        """Describe one installation that differs: another field as reference, other limits of files.

        The vendor says "2Mo" for images without saying which megabyte, so that limit can be set.
        """
        reference = reference or self.reference
        if reference not in self.fields:
            raise ValueError(f"{self.label} has no field {reference}{nearest(reference, self.fields)}")
        fields = dict(self.fields)
        for name, limit in (max_bytes or {}).items():
            fields[name] = fields[name].model_copy(update={"max_bytes": limit})
        return self.model_copy(update={"reference": reference, "fields": fields})


def explain(code: str, system: System | None = None) -> Advice:
    """Say what a code means: the system's own meaning first, then ours; an unknown code is `unclassified`."""
    if system is not None and code in system.codes:
        meaning = system.codes[code]
        return Advice(meaning.title, meaning.cause, meaning.advice)
    return CODES.get(code, CODES["unclassified"])


def nearest(name: str, known: Iterable[str]) -> str:
    """End a sentence about an unknown name with the nearest known one, where there is a near one."""
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[close[0]]}?" if close else ""


def system_names() -> tuple[str, ...]:
    """List the systems that are described."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


@cache
def load_system(name: str) -> System:
    """Read and check the description of a system; raises LookupError for one that is not described."""
    if name not in system_names():
        raise LookupError(f"no description of a system {name}{nearest(name, system_names())}")
    described = YAML(typ="safe").load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return System.model_validate({"name": name, **described})
