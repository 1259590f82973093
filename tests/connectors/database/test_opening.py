"""What `open` and `read_keys` say and give on real databases, and what a page's frame looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.protocol import ConfigurationError, ConnectorError, CredentialsError, UnavailableError
from tests.connectors.database.table import Place, ago, create, insert, keys
from tests.server import Database


def test_open_returns_all_columns_in_order(place: Place) -> None:
    """All columns are told, those wanted are read, and one that does not exist is the flows' to name."""
    create(place.database)
    insert(place.database, [(1, None, ago(minutes=1))])
    source = place.source(("city", "nowhere"))
    assert source.open() == ("id", "name", "city", "updated_at")
    (page,) = source.pages(None, 10)
    assert list(page.records) == ["id", "city", "updated_at"]
    assert page.records["city"].dtype == "str"
    assert page.records["id"].tolist() == [1]
    assert page.records["id"].dtype == object


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": "custmers"}, "custmers"),
        ({"table": None, "query": "SELECT * FORM customers"}, "syntax"),
        ({"key": "idd"}, r"no column 'idd' \(source.key\); did you mean 'id'"),
        ({"updated_at": "updatedat"}, r"no column 'updatedat' \(source.updated_at\); did you mean 'updated_at'"),
        ({"table": None, "query": "SELECT id, id, updated_at FROM customers"}, "'?id'?"),
    ],
)
def test_open_refuses_a_job_that_does_not_fit(place: Place, changes: dict[str, Any], message: str) -> None:
    """A wrong table, query, key or last update is told in one line, before anything is read."""
    create(place.database)
    given: dict[str, Any] = {"table": "customers", **changes}
    source = place.source(**given)
    with pytest.raises(ConfigurationError, match=message) as caught:
        source.open()
    assert len(str(caught.value).splitlines()) == 1
    assert caught.value.__cause__ is None


def test_a_last_update_must_be_a_time_in_a_zone(place: Place) -> None:
    """Numbers are no times, and wall clocks need a zone."""
    place.database.execute("CREATE TABLE customers (id INTEGER, name VARCHAR(9), city VARCHAR(9), updated_at INTEGER)")
    insert(place.database, [(1, "a", "1767225600")])
    with pytest.raises(ConfigurationError, match="is no date or time"):
        place.source().open()
    place.database.execute("DROP TABLE customers")
    create(place.database, updated_at="DATE")
    insert(place.database, [(1, "a", "2026-01-01")])
    with pytest.raises(ConfigurationError, match=r"set source\.time_zone"):
        place.source().open()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, name, updated_at FROM customers;  -- all; of them",
        "SELECT id, ':name 50% \\: a::b' AS name, updated_at FROM customers /* :x */ ;",
        "SELECT id, name, updated_at FROM customers -- ;",
    ],
)
def test_a_query_is_taken_as_it_stands(place: Place, query: str) -> None:
    """Colons, percent signs, semicolons and comments in a query are the query's own."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=1))])
    assert keys(place.read(table=None, query=query)) == ["1"]


def test_single_records_are_read_by_key(place: Place) -> None:
    """Whole-number, text and composite keys find their records; what is no key finds none."""
    create(place.database)
    insert(place.database, [(n, f"N{n}", ago(minutes=n)) for n in range(1, 8)])
    wanted = ["1", "3", "7", "8", "x", "", "no key 1", "' OR 1=1 --", "1\0"]
    pages = list(place.source().read_keys(wanted, 2))
    assert sorted(keys(pages)) == ["1", "3", "7"]
    assert {page.cursor for page in pages} == {None}
    composite = place.source(key=("name", "id"), updated_at=None)
    assert keys(composite.read_keys(['["N3","3"]', '["N3","4"]', "3", "[]"], 10)) == ['["N3","3"]']
    by_name = place.source(key="name")
    assert keys(by_name.read_keys(["N2", "n3", "' OR ''='"], 10)) == ["N2"]


def test_a_wrong_password_is_told_without_it(mariadb: Database, tmp_path: Path) -> None:
    """The database refuses who we are: the error names no password."""
    place = Place(mariadb, tmp_path)
    mariadb.execute("CREATE OR REPLACE USER nobody@'%' IDENTIFIED BY 'right-word'")
    url = mariadb.engine.url.set(username="nobody", password="wrong-word").render_as_string(hide_password=False)
    with pytest.raises(CredentialsError) as caught:
        place.source(url=SecretStr(url)).open()
    mariadb.execute("DROP USER nobody@'%'")
    assert "word" not in str(caught.value).replace("password", "")


def test_a_server_that_does_not_answer(database: Database, tmp_path: Path) -> None:
    """Nobody listens there, or the file is not there."""
    place = Place(database, tmp_path)
    expected: type[ConnectorError] = UnavailableError
    url = database.engine.url.set(port=9).render_as_string(hide_password=False)
    if database.kind == "sqlite":
        expected, url = ConfigurationError, "sqlite:///missing.db"
    with pytest.raises(expected):
        place.source(url=SecretStr(url)).open()
    assert not (tmp_path / "missing.db").exists()


@pytest.mark.parametrize("url", ["oracle://u:secret@h/d", "nonsense secret", "sqlite://", "postgresql+asyncpg://h/d"])
def test_an_unknown_url_is_refused_without_showing_it(sqlite: Database, tmp_path: Path, url: str) -> None:
    """Other dialects and drivers are named, never the address."""
    with pytest.raises(ConfigurationError, match=r"source.url") as caught:
        Place(sqlite, tmp_path).source(url=SecretStr(url))
    assert "secret" not in str(caught.value)


def test_the_address_names_neither_user_nor_password(place: Place) -> None:
    """The address holds kind, host, database and table."""
    url = place.database.engine.url
    if url.host is not None:
        url = url.set(username="somebody", password="secret")
    address = place.source(url=SecretStr(url.render_as_string(hide_password=False))).address
    assert address.endswith("/customers")
    assert "somebody" not in address
    assert "secret" not in address
    query = "SELECT id, updated_at FROM customers WHERE name = 'private'"
    assert "private" not in place.source(table=None, query=query).address


def test_a_table_is_named_with_its_schema(postgresql: Database, tmp_path: Path) -> None:
    """`schema.table` is a table of another schema, each part quoted for itself."""
    place = Place(postgresql, tmp_path)
    postgresql.execute('DROP SCHEMA IF EXISTS "Crm" CASCADE', 'CREATE SCHEMA "Crm"')
    postgresql.execute('CREATE TABLE "Crm"."Order" AS SELECT 1 AS id, \'a\' AS name, now() AS updated_at')
    assert keys(place.read(table="Crm.Order", updated_at=None)) == ["1"]
    place.close()
