"""Reads the two body types that forms come in; refuses everything else, JSON included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


class FormError(ValueError):
    """The body is not a form, or not a readable one."""


class MediaTypeError(FormError):
    """The body is of a type that forms do not come in."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came along with a form."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a body by name, the last of a name winning, and its files."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)


def read_form(content_type: str, body: bytes) -> Form:
    """Read a url-encoded or multipart body; an empty body is an empty form whatever its type.

    Raises MediaTypeError for any other type, FormError for bytes that do not parse or are no UTF-8.
    """
    if not body:
        return Form()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == URLENCODED:
        return _read_urlencoded(body)
    if kind == MULTIPART:
        return _read_multipart(content_type, body)
    raise MediaTypeError(f"a form cannot be of type {kind or 'unknown'}")


def _read_urlencoded(body: bytes) -> Form:
    try:
        return Form(dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")))
    except ValueError as error:
        raise FormError("the url-encoded body cannot be read") from error


def _read_multipart(content_type: str, body: bytes) -> Form:
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}

    def take_field(part: Field) -> None:
        fields[(part.field_name or b"").decode()] = (part.value or b"").decode()

    def take_file(part: File) -> None:
        part.file_object.seek(0)
        files[(part.field_name or b"").decode()] = Upload((part.file_name or b"").decode(), part.file_object.read())
        part.close()

    # Kept in memory whatever its size: a file of the sandbox on disk would be one to clean up.
    settings = {"MAX_MEMORY_FILE_SIZE": len(body) + 1}
    try:
        parser = create_form_parser({"Content-Type": content_type.encode()}, take_field, take_file, settings)
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeDecodeError) as error:
        raise FormError("the multipart body cannot be read") from error
    return Form(fields, files)
