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

_MOST_NODES = 20_000  # a few hundred bytes of aliases can describe millions of leaves
_OTHER_VERSION = re.compile(r"^%YAML\s+(?!1\.2\s)", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_BLOCK = re.compile(r"\{\{\s*prefect\.blocks\.secret\.([A-Za-z0-9][A-Za-z0-9_-]*)\s*\}\}")


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


def read_document(path: Path, environment: Mapping[str, str]) -> Document:
    """Read one YAML mapping; raises JobError for what is no YAML, too large, or refers to what is not set."""
    raw = _parse(path)
    if not isinstance(raw, CommentedMap):
        raise JobError(f"{path.name}: a job file is a mapping of keys (job, source, target, fields)")
    shell = Document(path, {}, raw)
    values = _Filling(shell, environment).fill(raw, ())
    return Document(path, values, raw)


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

    def __init__(self, document: Document, environment: Mapping[str, str]) -> None:
        self._document = document
        self._environment = environment
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

    def _text(self, text: str, place: Place) -> str:
        text = _VARIABLE.sub(self._replacement(place, self._variable), text)
        return _SECRET_BLOCK.sub(self._replacement(place, _secret), text)

    def _replacement(self, place: Place, look_up: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
        def replace(found: re.Match[str]) -> str:
            try:
                return look_up(found[1])
            except LookupError as error:
                raise JobError(self._document.complaint(place, str(error.args[0]))) from None

        return replace

    def _variable(self, name: str) -> str:
        if name not in self._environment:
            raise LookupError(f"the environment variable {name} is not set")
        return self._environment[name]


def _secret(name: str) -> str:
    """Read a Prefect secret block; the library is loaded only where a job refers to one."""
    from prefect.blocks.system import Secret

    try:
        block = Secret.load(name)
    except ValueError:
        raise LookupError(f"there is no Prefect secret block named {name}") from None
    except Exception as error:  # noqa: BLE001 - whatever keeps Prefect's API from answering; its text may carry an address
        raise LookupError(f"the Prefect secret block {name} cannot be read ({type(error).__name__})") from None
    assert isinstance(block, Secret)
    return str(block.get())
