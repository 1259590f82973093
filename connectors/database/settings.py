"""What a job file says about a database; never shows its address, which may hold a password."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from connectors.moment import Duration, TimeZone
from connectors.settings import Settings


class DatabaseSettings(Settings):
    """A table or a query as a source, one record a line."""

    kind: Literal["database"]
    url: Annotated[SecretStr, Field(min_length=1, description="an SQLAlchemy URL: postgresql://, mysql://, sqlite:///")]
    table: Annotated[str | None, Field(min_length=1, description="the table or view, with its schema if needed")] = None
    query: Annotated[str | None, Field(min_length=1, description="or a SELECT")] = None
    key: Annotated[str | tuple[str, ...], Field(min_length=1, description="the column that names a record, or several")]
    updated_at: Annotated[str | None, Field(min_length=1, description="the column of the last update")] = None
    time_zone: Annotated[TimeZone | None, Field(description="of times without a zone, such as Europe/Zurich")] = None
    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)
    lag: Annotated[Duration, Field(description="how far to stay behind the source's clock")] = timedelta()

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("name either a table or a query")
        if "\0" in f"{self.url.get_secret_value()}{self.table}{self.query}":
            raise ValueError("holds a NUL")
        return self
