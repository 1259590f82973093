"""The description of a system, read from `systems/<name>.yaml`: its fields, its limits, its errors' words.

It is the single truth for checks, typing, redaction and proposals. It talks to no system and knows no job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from ruamel.yaml import YAML

from mappings.description import CUSTOMER, OF_ENTRIES, OUR_VERDICTS, Code, Constraint, EntityKind, SystemField, Verdict
from mappings.finding import CODES, Advice, Finding
from mappings.name import nearest
from mappings.reference import Case

__all__ = ["Constraint", "EntityKind", "System", "SystemField", "explain", "load_system", "nearest", "system_names"]

FOLDER = Path(__file__).with_name("systems")


class System(BaseModel):
    """A system as its vendor documents it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    label: str
    documentation: str
    reference: str = Field(description="the field that names a customer on both sides")
    reference_case: Case = Field(None, description="lower: references that differ in case alone are one reference")
    entities: Mapping[str, EntityKind] = Field(default_factory=dict, description="what customers refer to, by our name")
    fields: Mapping[str, SystemField]
    properties: Mapping[str, str] = Field(
        default_factory=dict, description="field: its JSON property, where that is for a job to say"
    )
    verdicts: Mapping[Constraint, Verdict] = Field(default_factory=dict)
    codes: Mapping[str, Code] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for other, place in self._named_fields():
            if other not in self.fields:
                raise ValueError(f"{place} names the field {other}, which is not described")
        words: dict[str, str] = {}
        for name, field in self.fields.items():
            if field.refers_to not in {None, CUSTOMER, *self.entities}:
                raise ValueError(f"{name} refers to {field.refers_to}, which is not among the entities")
            if field.required_with_any is not None and not self.demanding(name):
                raise ValueError(f"{name} names the object {field.required_with_any}, which has no other field")
            # Two fields of one meaning would have to be guessed between.
            if field.means is not None and words.setdefault(field.means, name) != name:
                raise ValueError(f"{words[field.means]} and {name} both mean {field.means}")
        if len(set(self.properties.values())) < len(self.properties):
            raise ValueError("two fields have the same property")
        if self.fields[self.reference].read_only:
            raise ValueError(f"the reference {self.reference} is only shown, so that nothing could be sent by it")
        return self

    def _named_fields(self) -> Iterator[tuple[str, str]]:
        yield self.reference, "reference"
        yield from ((name, "properties") for name in self.properties)
        for name, field in self.fields.items():
            when = field.required_when.field if field.required_when is not None else None
            yield from ((other, name) for other in (field.required_with, field.other_than, when) if other is not None)

    def __repr__(self) -> str:
        return f"<system {self.name}>"

    @property
    def personal(self) -> frozenset[str]:
        """The fields that hold personal data."""
        return frozenset(name for name, field in self.fields.items() if field.personal)

    @property
    def references(self) -> frozenset[str]:
        """The fields that hold a customer's reference: the customer's own, and those of other customers."""
        others = {name for name, field in self.fields.items() if field.refers_to == CUSTOMER}
        return frozenset(others | {self.reference})

    @property
    def sendable(self) -> tuple[str, ...]:
        """The fields that the system takes."""
        return tuple(name for name, field in self.fields.items() if not field.read_only)

    @property
    def columns(self) -> Mapping[str, str]:
        """The source column in which each field comes back, for those that do."""
        return {name: field.read or name for name, field in self.fields.items() if not field.write_only}

    def meaning(self, field: str) -> str | None:
        """Give the word of the common vocabulary for a field; a job may have made another one the reference."""
        means = "reference" if field == self.reference else self.fields[field].means
        return None if means == "reference" and field != self.reference else means

    def entity(self, field: str) -> EntityKind | None:
        """Look up what a field refers to; None where that is nothing, or another customer."""
        return self.entities.get(self.fields[field].refers_to or "")

    def as_sent(self, field: str, value: object) -> object:
        """Give the digits of an id, or of a list of ids, as the numbers that are sent; all else stays."""
        entity = self.entity(field)
        if entity is None or entity.sends != "id":
            return value
        if isinstance(value, list):
            return [self.as_sent(field, part) for part in value]
        return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value

    def demanding(self, field: str) -> tuple[str, ...]:
        """List the fields of which any one that is given makes this one required, whatever its value."""
        described = self.fields[field]
        demanding = () if described.required_with is None else (described.required_with,)
        whole = described.required_with_any
        beside = (name for name in self.fields if whole is not None and name.startswith(f"{whole}.") and name != field)
        return (*demanding, *beside)

    def lacking(self, fields: Collection[str]) -> tuple[str, ...]:
        """List what is required of rows with these fields and is not among them."""
        return tuple(name for name in self.sendable if name not in fields and self._is_demanded(name, fields))

    def _is_demanded(self, name: str, fields: Collection[str]) -> bool:
        field = self.fields[name]
        when = field.required_when is not None and field.required_when.field in fields
        return field.required or name == self.reference or when or any(each in fields for each in self.demanding(name))

    def finding(self, constraint: Constraint, field: str) -> Finding:
        """Word a broken constraint as the system itself would; `{value}` stays for whoever knows the value."""
        described = self.fields.get(field, SystemField())
        entity = self.entities.get(described.refers_to or "")
        of_entity = entity.unknown if entity is not None and constraint == "unknown" else None
        verdict = described.verdicts.get(constraint) or of_entity or self.verdicts.get(constraint)
        code, words = OUR_VERDICTS[constraint]
        if verdict is not None:
            code, words = verdict.code, verdict.words or words
        name = described.spoken or field
        of_entries = constraint in OF_ENTRIES and described.type == "list"
        facts = {
            "field": f"an entry of {name}" if of_entries else name,
            "type": "id" if entity is not None and entity.sends == "id" else described.type,
            "entity": entity.label if entity is not None else described.refers_to,
            "choices": ", ".join(described.choices),
            "formats": ", ".join(described.formats),
            "range": described.range,
            "max_length": described.max_length,
            "min_length": described.min_length,
            "max_items": described.max_items,
            "max_bytes": described.max_bytes,
            "value": "{value}",
        }
        return Finding(code, field, words.format_map(facts))

    def adapted(
        self,
        *,
        reference: str | None = None,
        max_bytes: Mapping[str, int] | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> System:
        """Describe one installation that differs: another reference, other limits of files, other properties.

        The vendor of Valomnia says "2Mo" for images without saying which megabyte, so that limit can be set. Raises
        ValueError for an unknown field, and for what makes no sense together.
        """
        fields = dict(self.fields)
        for name in (*filter(None, [reference]), *(max_bytes or {}), *(properties or {})):
            if name not in fields:
                raise ValueError(f"{self.label} has no field {name}{nearest(name, fields)}")
        for name, limit in (max_bytes or {}).items():
            fields[name] = fields[name].model_copy(update={"max_bytes": limit})
        changed = {"reference": reference or self.reference, "fields": fields}
        return System.model_validate(vars(self) | changed | {"properties": {**self.properties, **(properties or {})}})


def explain(code: str, system: System | None = None) -> Advice:
    """Say what a code means: the system's own meaning first, then ours; an unknown code is `unclassified`."""
    if system is not None and code in system.codes:
        meaning = system.codes[code]
        return Advice(meaning.title, meaning.cause, meaning.advice)
    return CODES.get(code, CODES["unclassified"])


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
