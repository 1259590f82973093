"""The one table of the flows that a job is deployed with."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_type_hints

from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from prefect import Flow


@dataclass(frozen=True, slots=True)
class Entry:
    """A flow: its name in Prefect, where it is, whether the job's schedule is its own, whether it divides a source."""

    name: str
    entrypoint: str
    scheduled: bool = False
    divides: bool = False

    def load(self) -> Flow[..., Any]:
        """Import the flow, and Prefect with it."""
        module, _, name = self.entrypoint.rpartition(".")
        return cast("Flow[..., Any]", getattr(importlib.import_module(module), name))

    def form(self) -> dict[str, Any]:
        """Give the schema of the flow's parameters, from which the UI makes its form.

        Prefect takes what is said of a parameter from docstrings alone; here it is taken from the signature as well.
        """
        from prefect.utilities.callables import parameter_schema

        flow = self.load()
        schema: dict[str, Any] = parameter_schema(flow).model_dump(exclude_unset=True)
        for name, hint in get_type_hints(flow.fn, include_extras=True).items():
            texts = [each.description for each in getattr(hint, "__metadata__", ()) if isinstance(each, FieldInfo)]
            if name in schema["properties"] and texts and texts[-1]:
                schema["properties"][name].setdefault("description", texts[-1])
        return schema


ENTRIES = (
    Entry("sync-customers", "flows.sync.sync_customers", scheduled=True),
    Entry("replay-rejects", "flows.replay.replay_rejects"),
    Entry("migrate-customers", "flows.migrate.migrate_customers", divides=True),
)
