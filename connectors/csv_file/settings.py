"""What a job file says about a CSV file."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from connectors.moment import Duration, TimeZone
from connectors.settings import Settings


class CsvSettings(Settings):
    """A CSV file as a source: first line the header, every value text, an empty cell null."""

    kind: Literal["csv"]
    path: Annotated[str, Field(min_length=1, pattern=r"\A[^\x00]+\z", description="the file, relative to the job file")]
    key: Annotated[str | None, Field(description="the column that names a record; without it each line is its own")] = (
        None
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1, description="one character; \\t for a tab")] = ","
    encoding: Annotated[str, Field(description="a Python codec name; UTF-8 with or without BOM by default")] = "utf-8"
    updated_at: Annotated[str | None, Field(min_length=1, description="the column of the last update")] = None
    time_zone: Annotated[TimeZone | None, Field(description="of times without a zone, such as Europe/Zurich")] = None
    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.updated_at is not None and self.key is None:  # a line is another record in the next file
            raise ValueError("updated_at needs a key: name the column that names a record")
        return self
