"""Compiles a job into what every page is checked and mapped with; reads no customer."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pydantic import ValidationError

from connectors.settings import Settings
from flows.connector import described
from flows.document import JobError
from flows.job import Job
from mappings.converter import load_converters
from mappings.description import CUSTOMER
from mappings.digest import Digester, fingerprint
from mappings.field import FieldRule
from mappings.filter import Filter
from mappings.image import ImagePlace
from mappings.mapping import Mapper, MappingError
from mappings.schema import Schema, source_schema, target_schema
from mappings.system import System, nearest


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled job."""

    job: Job
    fields: Mapping[str, FieldRule]
    source_system: System | None  # None for a file or a database
    system: System
    mapper: Mapper
    filter: Filter
    source_schema: Schema
    target_schema: Schema
    digester: Digester
    fingerprint: str

    @property
    def source_columns(self) -> frozenset[str]:
        """The source columns that the job names."""
        return self.mapper.source_columns | self.filter.source_columns

    @property
    def file_columns(self) -> list[str]:
        """The source columns that name files: what such a record is worth is not in its values alone."""
        fields = self.system.fields
        return [column for name, rule in self.fields.items() if fields[name].type == "file" for column in rule.sources]

    @property
    def parent_fields(self) -> list[str]:
        """The target fields of the job that hold the reference of another customer."""
        return [name for name in self.fields if self.system.fields[name].refers_to == CUSTOMER]

    @property
    def entity_fields(self) -> dict[str, str]:
        """The target fields of the job that name something of the target's own, each with its kind."""
        kinds = {name: self.system.fields[name].refers_to for name in self.fields}
        return {name: kind for name, kind in kinds.items() if kind is not None and kind != CUSTOMER}

    @property
    def filter_name(self) -> str:
        """The filter as part of the watermark's name; the same filter in another order is the same."""
        wanted = {column: sorted(map(str, values)) for column, values in self.filter.allowed.items()}
        return json.dumps(wanted, sort_keys=True, ensure_ascii=False)


def compile_job(job: Job, key: bytes) -> Plan:
    """Compile fields, filter and converters; raises JobError naming the job file and the field that is wrong."""
    source_system, system = (_described(job, side) for side in (job.source, job.target))
    assert system is not None, "every target is described"
    fields = _fields(job, source_system, system)
    if job.converters and str(job.folder) not in sys.path:
        sys.path.append(str(job.folder))  # a job's own converters lie beside it
    try:
        converters = load_converters(job.converters)
        mapper = Mapper(fields, system, converters, images=ImagePlace(job.folder, frozenset(_image_hosts(job))))
        kept = Filter.from_job(job.filter)
    except MappingError as error:
        raise JobError("\n".join(f"{job.path.name}: fields.{problem}" for problem in error.problems)) from None
    except ValueError as error:
        raise JobError(f"{job.path.name}: {error}") from None
    return Plan(
        job=job,
        fields=fields,
        source_system=source_system,
        system=system,
        mapper=mapper,
        filter=kept,
        source_schema=source_schema(mapper.source_columns | kept.source_columns),
        target_schema=target_schema(system, fields, looked_up=system.entities),
        digester=Digester(key),
        fingerprint=fingerprint(
            fields, job.filter, converters, system, version("rollcall-sync"), reading=_reading(job)
        ),
    )


def _described(job: Job, settings: Settings) -> System | None:
    try:
        return described(settings)
    except ValidationError as error:  # without its input
        faults = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors(include_input=False))
        raise JobError(f"{job.path.name}: {settings.kind}: {faults}") from None
    except ValueError as error:
        raise JobError(f"{job.path.name}: {error}") from None


def _fields(job: Job, source: System | None, target: System) -> Mapping[str, FieldRule]:
    """Take the job's fields; between two known systems they may be left out, and are proposed."""
    if job.fields is not None:
        return job.fields
    from mappings.proposal import propose, unproposed  # for the few jobs that need it

    if source is None:
        raise JobError(f"{job.path.name}: fields is required; `rollcall init {job.path.name}` proposes some")
    if missing := unproposed(target, proposed := propose(source, target)):
        raise JobError(
            f"{job.path.name}: {source.label} shows nothing for {', '.join(missing)}, which {target.label} requires;"
            f" write fields yourself (`rollcall init {job.path.name}` proposes the others)"
        )
    return {name: FieldRule.model_validate(rule) for name, rule in proposed.items()}


def _reading(job: Job) -> dict[str, object]:
    """Give what else an outcome depends on: what names a record and orders its versions, and whence images may come."""
    source = job.source.model_dump(mode="json", include={"key", "updated_at", "time_zone"})
    named = {name: str(value) for name, value in source.items() if value is not None}
    hosts = _image_hosts(job)
    return {**named, **({"image_hosts": " ".join(sorted(hosts))} if hosts else {})}


def _image_hosts(job: Job) -> Collection[str]:
    hosts: Collection[str] = getattr(job.target, "image_hosts", ())  # a key of those targets that take images
    return hosts


def refuse_missing_columns(plan: Plan, columns: Collection[str]) -> None:
    """Raise JobError where the source lacks a column that the job names, before anything is sent."""
    missing = [f"{name!r}{nearest(name, columns)}" for name in sorted(plan.source_columns - set(columns))]
    if missing:
        raise JobError(f"{plan.job.path.name}: the source has no column {', '.join(missing)}")
