"""Reads a YAML 1.2 file with its line numbers and fills in environment and secret references; knows no job."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from flows.block import BlockReference, Blocks, Value

_MOST_NODES = 20_000  # a few hundred bytes of aliases can describe millions of leaves
_OTHER_VERSION = re.compile(r"^%YAML\s+(?!1\.2\s)", re.MULTILINE)
# Both in one, so that what a reference brings in is not searched for references again.
_REFERENCE = re.compile(
    r"\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)\}|\{\{\s*prefect\.blocks\b\.?(?P<block>[^{}]*?)\s*\}\}"
)


class JobError(Exception):
    """The job or the command is wrong; nothing was read or written. Its text names file, line and key."""


Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's plain values, and where each of them stands."""

    path: Path
    values: dict[str, Any]
    raw: Any

    def holds(self, part: int | str, place: Place) -> bool:
        """Say whether a part of a model's place is a key of the file (a union's tag is not)."""
        node = self.raw
        for step in place:
            found = (isinstance(node, dict) and step in node) or (
                isinstance(node, list) and isinstance(step, int) and step < len(node)
            )
            if step == part:
                return found
            if found:
                node = node[step]
        return False

    def complaint(self, place: Place, message: str) -> str:
        """Put file, line and key path before a message."""
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
        return f"{self.path.name}:{self._line(place)}: {path + ': ' if path else ''}{message}"

    def _line(self, place: Place) -> int:
        node, line = self.raw, 1
        for step in place:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
            else:
                break
            node = node[step]
        return line


@dataclass(frozen=True, slots=True)
class References:
    """What a file refers to, each once, in the order of the alphabet."""

    variables: tuple[str, ...]
    blocks: tuple[BlockReference, ...]


def read_document(path: Path, environment: Mapping[str, str], blocks: Blocks | None = None) -> Document:
    """Read one YAML mapping; raises JobError for what is no YAML, too large, or refers to what is not set.

    Blocks that were read before need not be read again.
    """
    shell = _shell(path)
    blocks = blocks if blocks is not None else Blocks()

    def replace(found: re.Match[str]) -> Value:
        if (name := found["variable"]) is None:
            return blocks.value(BlockReference.parse(found["block"]))
        if name not in environment:
            raise LookupError(f"the environment variable {name} is not set")
        return environment[name]

    return Document(path, _Filling(shell, replace).fill(shell.raw, ()), shell.raw)


def list_references(path: Path) -> References:
    """List what a file refers to, without looking any of it up; raises JobError for what is no YAML."""
    shell = _shell(path)
    variables, blocks = set(), set()

    def note(found: re.Match[str]) -> Value:
        if (name := found["variable"]) is not None:
            variables.add(name)
        else:
            blocks.add(BlockReference.parse(found["block"]))
        return ""

    _Filling(shell, note).fill(shell.raw, ())
    return References(tuple(sorted(variables)), tuple(sorted(blocks)))


def _shell(path: Path) -> Document:
    raw = _parse(path)
    if not isinstance(raw, CommentedMap):
        raise JobError(f"{path.name}: a job file is a mapping of keys (job, source, target, fields)")
    return Document(path, {}, raw)


def _parse(path: Path) -> object:
    loader = YAML(typ="rt", pure=True)
    loader.allow_duplicate_keys = False
    try:
        text = path.read_text(encoding="utf-8-sig")
        if _OTHER_VERSION.search(text):
            raise JobError(f"{path.name}: is to be YAML 1.2, in which NO is Norway; remove the %YAML directive")
        return loader.load(text)
    except FileNotFoundError:
        raise JobError(f"{path}: there is no such job file") from None
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise JobError(f"{path.name}: a job file is UTF-8 text") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        # The problem's first words only: what follows quotes the file, and a password may stand there.
        problem = str(error.problem).splitlines()[0].partition(" with value ")[0]
        raise JobError(f"{path.name}:{line}: is no YAML 1.2: {problem}") from None
    except YAMLError:
        raise JobError(f"{path.name}: is no YAML 1.2") from None
    except (RecursionError, ValueError):
        raise JobError(f"{path.name}: is nested too deeply, or holds a number that is too long") from None


class _Filling:
    """Turns ruamel's nodes into plain values, and references into what they refer to."""

    def __init__(self, document: Document, look_up: Callable[[re.Match[str]], Value]) -> None:
        self._document = document
        self._look_up = look_up
        self._nodes = 0

    def fill(self, node: object, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise JobError(f"{self._document.path.name}: holds more than {_MOST_NODES} values; is an alias repeated?")
        if tag := getattr(getattr(node, "tag", None), "value", None):
            raise JobError(self._document.complaint(place, f"the tag {tag} is not known here"))
        match node:
            case CommentedMap():
                return {self._key(key, place): self.fill(value, (*place, key)) for key, value in node.items()}
            case CommentedSeq():
                return [self.fill(value, (*place, number)) for number, value in enumerate(node)]
            case bool() | None:
                return node
            case str():
                return self._text(str(node), place)
            case int():
                return int(node)
            case float():
                return float(node)
        raise JobError(self._document.complaint(place, "write this value in quotes: only text and numbers are read"))

    def _key(self, key: object, place: Place) -> Any:
        if isinstance(key, str):
            return str(key)
        if isinstance(key, (bool, int)):
            return key
        raise JobError(self._document.complaint(place, "a key is text"))

    def _text(self, text: str, place: Place) -> Any:
        """Fill in a text; one that is a reference and nothing else becomes what it refers to, a number too."""
        try:
            if whole := _REFERENCE.fullmatch(text):
                return self._look_up(whole)
            return _REFERENCE.sub(lambda found: str(self._look_up(found)), text)
        except LookupError as error:
            raise JobError(self._document.complaint(place, str(error.args[0]))) from None
