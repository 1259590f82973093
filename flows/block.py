"""Reads the Prefect blocks that a job file refers to, each once; the library is loaded only where a job has one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PREFIX = "prefect.blocks."
_KEY = re.compile(r"([\w-]+)|\[(\d+)\]")
Value = str | int | float | bool


@dataclass(frozen=True, slots=True, order=True)
class BlockName:
    """Which block: the slug of its type, and its name."""

    type_slug: str
    name: str

    def __str__(self) -> str:
        """Write it as Prefect's pages do."""
        return f"{self.type_slug}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class BlockReference:
    """What stands in a job file: a block, and the field of it that is meant (none: its one value)."""

    block: BlockName
    field: str = ""

    @classmethod
    def parse(cls, text: str) -> BlockReference:
        """Read what stands after `prefect.blocks.`; raises LookupError where no block and name are there."""
        type_slug, _, rest = text.partition(".")
        name, _, keys = rest.partition(".")
        if not type_slug or not name:
            raise LookupError(f"write a block as {{{{ {_PREFIX}TYPE.NAME }}}} or {{{{ {_PREFIX}TYPE.NAME.FIELD }}}}")
        return cls(BlockName(type_slug, name), keys)

    def __str__(self) -> str:
        """Write it as a job file does."""
        return f"{{{{ {_PREFIX}{self.block.type_slug}.{self.block.name}{'.' * bool(self.field)}{self.field} }}}}"


@dataclass(slots=True)
class Blocks:
    """The blocks of one job, by their names; what was read stays in this object, and shows in no repr."""

    _read: dict[BlockName, Mapping[str, Any] | LookupError] = field(default_factory=dict, repr=False)

    def value(self, reference: BlockReference) -> Value:
        """Give the value that is referred to; raises LookupError in words that hold no value."""
        data: Any = self.data(reference.block)
        names = ", ".join(sorted(data)) or "it is empty"
        if set(data) == {"value"} and not re.match(r"value(\.|\[|$)", reference.field):
            data = data["value"]  # a block that is one value: Prefect's own go by it without naming it
        elif not reference.field:
            raise LookupError(f"name a field of the block {reference.block}: {names}")
        for match in _KEY.finditer(reference.field):
            data = _step(data, match[1] or int(match[2]))
            if data is _NOTHING:
                known = f"; it has {names}" if "." not in reference.field else ""
                raise LookupError(f"the block {reference.block} has no field {reference.field}{known}")
        if data is None or data == "":
            raise LookupError(f"{f'the field {reference.field} of ' * bool(reference.field)}{reference.block} is empty")
        if isinstance(data, str | int | float | bool):
            return data
        raise LookupError(f"the block {reference.block} holds several values here; name one of them after a dot")

    def data(self, block: BlockName) -> Mapping[str, Any]:
        """Give the fields of a block; raises LookupError where it is not there or cannot be read."""
        if block not in self._read:
            try:
                self._read[block] = _load(block)
            except LookupError as error:
                self._read[block] = error
        found = self._read[block]
        if not isinstance(found, LookupError):
            return found
        raise LookupError(*found.args)


_NOTHING = object()


def _step(data: Any, key: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(key, _NOTHING)
    if isinstance(data, list) and str(key).isdecimal() and int(key) < len(data):
        return data[int(key)]
    return _NOTHING


def _load(block: BlockName) -> Mapping[str, Any]:
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        with get_client(sync_client=True) as client:
            document = client.read_block_document_by_name(name=block.name, block_type_slug=block.type_slug)
    except ObjectNotFound:
        raise LookupError(f"there is no Prefect block {block}") from None
    except Exception as error:  # noqa: BLE001 - whatever keeps Prefect's API from answering; its text may carry an address
        raise LookupError(f"the Prefect block {block} cannot be read ({type(error).__name__})") from None
    known = (document.block_schema.fields if document.block_schema else {}).get("properties", {})
    return {**dict.fromkeys(known), **document.data}
