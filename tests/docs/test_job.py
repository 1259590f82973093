"""The pages name every key of a job file with its true default, and every job that they show can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from connectors.settings import TargetSettings
from flows.connector import kinds, settings_model
from flows.document import JobError
from flows.job import Guards, Job, LedgerSettings, load_job
from flows.plan import compile_job
from tests.docs.job import FIELDS, REST, SOURCES, TARGETS, VARIABLE, parts_of, write_job, write_modules
from tests.docs.page import ADDING, OPERATOR, SOURCE, TARGET, Block, blocks, first_column, table

SECRET_BLOCK = re.compile(r"\{\{ prefect\.blocks\.[\w.-]+ \}\}")
EVERYWHERE = ("target.kind", "target.base_url")  # stands in the table of each target as well


def keys_of(model: type[BaseModel], before: str = "") -> set[str]:
    """List the keys that a model reads from a job file."""
    return {before + (field.alias or name) for name, field in model.model_fields.items()}


def job_for(kind: str) -> Mapping[str, Any]:
    """Give the shortest job into a target of a kind."""
    return {**REST, "target": TARGETS[kind], "fields": FIELDS[kind]}


def key_tables() -> Iterator[tuple[list[list[str]], Mapping[str, Any]]]:
    """Give each table of keys with the shortest job that it is about."""
    yield table(OPERATOR, "key", "meaning", "default"), REST
    for kind in kinds("source"):
        yield table(SOURCE, f"{kind} key", "meaning", "default"), {**REST, "source": SOURCES[kind]}
    for kind in kinds("target"):
        yield table(TARGET, f"{kind} key", "meaning", "default"), job_for(kind)


def test_every_job_key_is_documented() -> None:
    """The operator's table of keys has those of the job's models that every target shares, and no other."""
    sections: dict[str, type[BaseModel]] = {"target": TargetSettings, "guards": Guards, "ledger": LedgerSettings}
    expected = keys_of(Job) - {"path", "source", *sections}
    for name, model in sections.items():
        expected |= keys_of(model, f"{name}.")
    documented = first_column(OPERATOR, "key", "meaning", "default")
    assert sorted(documented) == sorted(expected)


@pytest.mark.parametrize("kind", kinds("source"))
def test_every_key_of_a_source_is_documented(kind: str) -> None:
    """Each kind's table on the page about sources has the keys of its model, and no other."""
    documented = first_column(SOURCE, f"{kind} key", "meaning", "default")
    assert sorted(documented) == sorted(keys_of(settings_model("source", kind), "source."))


@pytest.mark.parametrize("kind", kinds("target"))
def test_every_key_of_a_target_is_documented(kind: str) -> None:
    """Each kind's table on the page about targets has the keys that are its own, and no other."""
    documented = first_column(TARGET, f"{kind} key", "meaning", "default")
    shared = keys_of(TargetSettings, "target.") - set(EVERYWHERE)
    assert sorted(documented) == sorted(keys_of(settings_model("target", kind), "target.") - shared)


def test_the_page_about_sources_lists_every_kind() -> None:
    """Its first table has one line for each kind."""
    assert tuple(first_column(SOURCE, "source", "a run reads", "by", "inferred")) == kinds_in_order()


def kinds_in_order() -> tuple[str, ...]:
    """Give the kinds of sources as the pages order them."""
    assert set(SOURCES) == set(kinds("source"))
    return tuple(SOURCES)


def test_the_documented_defaults_are_true(tmp_path: Path) -> None:
    """A job that states every default of a table of keys is the same as one that states none of them."""
    for rows, shortest in key_tables():
        stated = parts_of(shortest)
        for cells in rows:
            key, default = cells[0].strip("`"), cells[2].strip("`")
            section, _, name = key.rpartition(".")
            place = stated[section] if section and section in stated else stated
            if default == "required":
                assert name in place, f"{key} is called required, and the shortest job does without it"
            elif default not in {"none", "all"}:
                place[name] = default
        assert load_job(write_job(tmp_path, stated), {}) == load_job(write_job(tmp_path, shortest), {})


def test_a_key_with_a_default_is_not_called_one_without(tmp_path: Path) -> None:
    """Where a table says that a key has no default, a job without it has nothing, or nothing in it."""
    for rows, shortest in key_tables():
        job = load_job(write_job(tmp_path, shortest), {})
        for key in [cells[0].strip("`") for cells in rows if cells[2] == "none"]:
            section, _, name = key.rpartition(".")
            given = shortest.get(section, {}) if section else shortest
            if name not in given:
                value = getattr(getattr(job, section) if section else job, name)
                assert value is None or value in ({}, ()), f"{key} is {value!r} by default"


def test_what_is_called_required_is(tmp_path: Path) -> None:
    """A job without one of the keys that a table of keys calls required is refused, and the key named."""
    for rows, shortest in key_tables():
        for key in [cells[0].strip("`") for cells in rows if cells[2] == "required"]:
            section, _, name = key.rpartition(".")
            lacking = parts_of(shortest)
            del (lacking[section] if section else lacking)[name]
            with pytest.raises(JobError, match=key):
                load_job(write_job(tmp_path, lacking), {})


def shown_jobs() -> list[Block]:
    """List the jobs that the pages show; those of an invented system have a test of their own."""
    return [block for block in blocks("yaml") if block.page != ADDING.name]


@pytest.mark.parametrize("block", [pytest.param(block, id=block.name) for block in shown_jobs()])
def test_every_job_in_the_pages_can_be_read(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job, or a part of one filled up to a whole, is read without complaint, and its fields compile."""
    write_modules(tmp_path, monkeypatch)
    text = SECRET_BLOCK.sub("${SECRET}", block.text)
    fragment: Mapping[str, Any] = YAML().load(text)
    assert block.page != "README.md" or "job" in fragment, "the README shows a whole job"
    if "job" not in fragment:
        merged: dict[str, Any] = {**REST, **fragment}
        merged["fields"] = {**FIELDS[merged["target"]["kind"]], **fragment.get("fields", {})}
        write_job(tmp_path, merged)
    else:
        (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    environment = dict.fromkeys(VARIABLE.findall(text), "5f0c2f0e-58a1-4d3b-9a52-0d5c1b1f7a10")
    job = load_job(tmp_path / "job.yaml", environment)
    plan = compile_job(job, b"key")
    assert plan.mapper.fields == tuple(plan.fields)
    assert job.fields is None or plan.fields == job.fields
