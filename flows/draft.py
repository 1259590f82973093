"""Drafts a job's `fields` from what the source shows and the target takes; sends nothing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from connectors.settings import Surroundings
from flows.connector import connector, described
from flows.document import JobError
from flows.job import Job, load_job
from mappings.proposal import Rule, contested, propose, unproposed
from mappings.system import System


@dataclass(frozen=True, slots=True)
class Draft:
    """What can be said of a job's fields, and what is left to whoever writes the job."""

    path: Path
    target: System
    fields: Mapping[str, Rule]
    missing: tuple[str, ...]
    rivals: Mapping[str, tuple[str, ...]]

    @property
    def text(self) -> str:
        """The section of a job file, with what is left as comments."""
        block = CommentedMap({"fields": CommentedMap({name: _flow(rule) for name, rule in self.fields.items()})})
        yaml, out = YAML(), io.StringIO()
        yaml.width = 120
        yaml.dump(block, out)
        lines = out.getvalue().splitlines() if self.fields else ["fields:"]
        lines += [
            f"  # {name}: {self.target.label} requires it, and no column was found for it" for name in self.missing
        ]
        lines += [f"  # {name}: choose between {', '.join(columns)}" for name, columns in self.rivals.items()]
        return "\n".join(lines) + "\n"

    def write(self) -> None:
        """Append the section to the job file, which has none; raises JobError where it cannot be written."""
        try:
            text = self.path.read_text(encoding="utf-8")
            self.path.write_text(f"{text.rstrip()}\n{self.text}", encoding="utf-8")
        except OSError as error:
            raise JobError(f"{self.path.name}: cannot be written ({error.strerror})") from None


def draft_fields(path: Path, environment: Mapping[str, str]) -> Draft:
    """Read a job file without `fields`, look at its source's columns, and propose rules.

    Raises JobError where the job is wrong or has fields, and what opening the source raises.
    """
    job = load_job(path, environment)
    if job.fields is not None:
        raise JobError(f"{path.name}: fields is there already; take it out to have it proposed anew")
    target = described(job.target)
    assert target is not None, "every target is described"
    source = described(job.source) or _columns(job)
    fields = propose(source, target)
    return Draft(path, target, fields, unproposed(target, fields), contested(source, target))


def _columns(job: Job) -> tuple[str, ...]:
    source = connector(job.source.kind).make_source(job.source, Surroundings(job.folder))
    try:
        columns: tuple[str, ...] = source.open()
        return columns
    finally:
        source.close()


def _flow(rule: object) -> object:
    """Write what has parts on one line."""
    match rule:
        case dict():
            mapped = CommentedMap({key: _flow(value) for key, value in rule.items()})
            mapped.fa.set_flow_style()
            return mapped
        case list() | tuple():
            listed = CommentedSeq([_flow(value) for value in rule])
            listed.fa.set_flow_style()
            return listed
        case _:
            return rule
