"""Converters: how functions become nameable in a job, and where they are found. Holds no registry at import time.

Four kinds, by what the function takes:

- `@converter`: one value; called once per distinct value.
- `@column_converter`: a whole text column; for what pandas or Arrow do at once.
- `@join_converter`: several text columns, of which it makes one; must come first in a rule.
- `@record_converter`: the texts of several columns in one record, as a tuple; called once per distinct combination, and
  must come first as well.

`@shortening_converter` is a column converter that loses a part of the text: the run tells how many customers it cut.

No converter sees null; nulls and absent cells pass by. In a tuple or a frame a null may stand beside a value. A
function may take one further parameter, the argument that the job gives; its annotation is checked when the job is
read.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from mappings.name import nearest
from mappings.value import ConversionError

__all__ = [
    "ConversionError",
    "Converter",
    "column_converter",
    "converter",
    "join_converter",
    "load_converters",
    "record_converter",
    "shortening_converter",
]

Kind: TypeAlias = Literal["value", "column", "join", "record"]
Converters: TypeAlias = Mapping[str, "Converter"]

BUILT_IN = (
    "mappings.recipe",
    "mappings.cleaning",
    "mappings.reading",
    "mappings.dating",
    "mappings.coding",
    "mappings.phoning",
    "mappings.numbering",
    "mappings.naming",
    "mappings.addressing",
    "mappings.locating",
)


@dataclass(frozen=True, slots=True, repr=False)
class Converter:
    """A named function of a job; calling it calls the function, so that it is tested like one."""

    function: Callable[..., Any]
    kind: Kind
    shortens: bool = False  # what it changes has lost something, and the run counts it

    def __call__(self, *args: Any) -> Any:
        """Call the function itself."""
        return self.function(*args)

    def __repr__(self) -> str:
        return f"<{self.kind} converter {self.name}>"

    @property
    def name(self) -> str:
        """The name by which jobs call it."""
        return self.function.__name__

    @property
    def documentation(self) -> str:
        """What it does, with its table of examples."""
        return inspect.getdoc(self.function) or ""

    @property
    def built_in(self) -> bool:
        """Whether its error texts are ours, and so known to be free of values."""
        return self.function.__module__ in BUILT_IN

    @property
    def takes_text(self) -> bool:
        """Whether it asks for text (`value: str`, and every column): typed values come to it as canonical text."""
        first = next(iter(inspect.signature(self.function).parameters))
        return self.kind != "value" or get_type_hints(self.function).get(first) is str

    @property
    def joins(self) -> bool:
        """Whether it makes one column of several, and so comes first."""
        return self.kind in ("join", "record")

    @property
    def width(self) -> int | None:
        """How many columns it takes, where it takes so many and no others (`cells: tuple[str | None, str | None]`)."""
        if self.kind != "record":
            return None
        first = next(iter(inspect.signature(self.function).parameters))
        parts = get_args(get_type_hints(self.function).get(first))
        return None if Ellipsis in parts else len(parts) or None

    def bind(self, argument: object = None) -> Callable[[Any], Any]:
        """Fix the argument that a job gives; raises ValueError where it does not suit the function."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        if argument is None:
            if parameters and parameters[0].default is inspect.Parameter.empty:
                raise ValueError(f"{self.name} needs an argument: {{{self.name}: ...}}")
            return self.function
        if not parameters:
            raise ValueError(f"{self.name} takes no argument")
        hint = get_type_hints(self.function, include_extras=True).get(parameters[0].name, Any)
        try:
            checked = TypeAdapter(hint).validate_python(argument)
        except ValidationError as error:
            reason = error.errors(include_input=False, include_url=False)[0]["msg"]
            raise ValueError(f"{self.name}: {reason}") from None
        return partial(self.function, **{parameters[0].name: checked})


def converter(function: Callable[..., Any]) -> Converter:
    """Make a function of one value nameable in jobs."""
    return Converter(function, "value")


def column_converter(function: Callable[..., Any]) -> Converter:
    """Make a function of a text column nameable in jobs; it returns a column of the same length, nulls in place."""
    return Converter(function, "column")


def join_converter(function: Callable[..., Any]) -> Converter:
    """Make a function that joins the text columns of a frame into one column nameable in jobs."""
    return Converter(function, "join")


def record_converter(function: Callable[..., Any]) -> Converter:
    """Make a function of a tuple of texts, one record's in several columns, nameable in jobs; a null is None."""
    return Converter(function, "record")


def shortening_converter(function: Callable[..., Any]) -> Converter:
    """Make a function of a text column that loses a part of some texts nameable; the run tells how many it cut."""
    return Converter(function, "column", shortens=True)


def load_converters(modules: Iterable[str] = ()) -> dict[str, Converter]:
    """Collect the built-in converters and those of the job's modules, by name.

    Raises ValueError for a module that cannot be imported or holds no converter, and for a name that is taken.
    """
    found: dict[str, Converter] = {}
    for name in (*BUILT_IN, *modules):
        own = _converters_of(_module(name))
        if not own:
            raise ValueError(f"the module {name} has no converter")
        for each in own:
            if each.name in found and found[each.name] != each:
                raise ValueError(f"the converter {each.name} of {name} has a name that is taken")
            found[each.name] = each
    return found


def find(converters: Converters, name: str) -> Converter:
    """Look a converter up by name; raises ValueError with the nearest known name."""
    if name not in converters:
        raise ValueError(f"unknown converter {name}{nearest(name, converters)}")
    return converters[name]


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a user's module may raise anything, exit too: the job is wrong
        raise ValueError(f"the converter module {name} cannot be imported ({type(error).__name__})") from None


def _converters_of(module: ModuleType) -> list[Converter]:
    return [value for value in vars(module).values() if isinstance(value, Converter)]
