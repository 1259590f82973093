"""What a job file says about a file of customers, or several."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from connectors.moment import Duration, TimeZone
from connectors.settings import Settings

Complete = Annotated[StrictInt, Field(ge=0)] | Annotated[StrictStr, Field(min_length=1)]


class CsvSettings(Settings):
    """A CSV file or an Excel workbook as a source: first line the header, every value text, an empty cell null.

    What a file is, is told by its first bytes and not by its name: text, gzip, zip, or a workbook.
    """

    kind: Literal["csv"]
    path: Annotated[
        str,
        Field(min_length=1, pattern=r"\A[^\x00]+\z", description="the file, relative to the job file; or a pattern"),
    ]
    key: Annotated[str | None, Field(description="the column that names a record; without it each line is its own")] = (
        None
    )
    delimiter: Annotated[
        str | None, Field(min_length=1, max_length=1, description="one character; \\t for a tab; found where not set")
    ] = None
    encoding: Annotated[str, Field(description="a Python codec name; UTF-8 with or without BOM by default")] = "utf-8"
    sheet: Annotated[str | None, Field(min_length=1, description="a workbook's sheet; the first one by default")] = None
    complete: Annotated[
        Complete | None, Field(description="the count of records, or what the line after the last record begins with")
    ] = None
    updated_at: Annotated[str | None, Field(min_length=1, description="the column of the last update")] = None
    time_zone: Annotated[TimeZone | None, Field(description="of times without a zone, such as Europe/Zurich")] = None
    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)

    @property
    def is_pattern(self) -> bool:
        """Whether the path may name several files; `*` and `?` stand for others, and nothing else does."""
        return _has_wildcard(self.path)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.updated_at is not None and self.key is None:  # a line is another record in the next file
            raise ValueError("updated_at needs a key: name the column that names a record")
        if self.is_pattern and self.key is None:
            raise ValueError("a path with * or ? needs a key: name the column that names a record in whichever file")
        if _has_wildcard(str(PurePath(self.path).parent)):
            raise ValueError("only the last part of the path may have * or ?")
        return self


def _has_wildcard(path: str) -> bool:
    return "*" in path or "?" in path
