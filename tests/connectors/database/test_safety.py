"""What a database source shows of itself: never a piece of a password, of a literal in a query, or of a cell."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connectors.database.failure import Trouble, diagnose, in_mid_read
from connectors.database.source import DatabaseSource
from connectors.protocol import ConfigurationError, ConnectorError
from flows.summary import ExitCode
from tests.connectors.database.table import Place, ago, create, fill, insert
from tests.faults.database_run import DatabaseRuns
from tests.server import Database

SECRET = "Qx7zz"
SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)


def addresses(sqlite: Database, folder: Path, *urls: str) -> list[str]:
    """Tell how sources over these URLs are named."""
    return [Place(sqlite, folder).source(url=SecretStr(url)).address for url in urls]


def test_what_the_query_of_a_url_tells_apart_has_addresses_of_its_own(sqlite: Database, tmp_path: Path) -> None:
    """Hosts, schemas and sockets are places; what is the same place has one name, whatever the order."""
    urls = [
        "postgresql:///crm",
        "postgresql:///crm?host=server-a",
        "postgresql:///crm?host=server-b",
        "postgresql:///crm?host=server-a&host=server-b",
        "postgresql:///crm?options=-csearch_path%3Dx",
        "mariadb://h/crm?unix_socket=/run/a.sock",
        "mariadb://h/crm?unix_socket=/run/b.sock",
    ]
    found = addresses(sqlite, tmp_path, *urls)
    assert len(set(found)) == len(urls)
    assert found[0] == "postgresql:localhost:5432/crm/customers"
    one, other = addresses(sqlite, tmp_path, "mysql://h/d?charset=x&ssl_ca=y", "mysql://h/d?ssl_ca=y&charset=x")
    assert one == other


def test_who_we_are_is_no_part_of_the_address(sqlite: Database, tmp_path: Path) -> None:
    """Another password, wherever it stands, is the same place."""
    urls = ["postgresql://u:a@h/d?sslmode=require", "postgresql://h/d?sslmode=require&user=v&password=b"]
    assert len(set(addresses(sqlite, tmp_path, *urls))) == 1


@pytest.mark.parametrize(
    "credentials",
    [
        "ann:ge@Qx7zz",
        "ann:Qx7zz@Qx7zz",
        "ann:ge@Qx7zz/Qx7zz",
        "ann:ge@he?Qx7zz",
        "ann:ge@he#Qx7zz",
        "ann:g/e@he/Qx7zz",
        "ann:ge@he:Qx7zz",
        "ann:ge@Qx7zz:12",
        "an/n:Qx7zz",
        "an@n:Qx7zz@x",
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_an_unescaped_at_sign_is_refused_without_showing_anything(
    sqlite: Database, tmp_path: Path, scheme: str, credentials: str
) -> None:
    """A piece of the password would be taken for the host, or the database, and be stored and shown."""
    with pytest.raises(ConfigurationError, match=r"source\.url") as caught:
        addresses(sqlite, tmp_path, f"{scheme}://{credentials}@127.0.0.1:9/crm")
    assert SECRET not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_the_way_out_is_told(sqlite: Database, tmp_path: Path) -> None:
    """It is refused as what it is, and an escaped one is taken, as is a user's name with an @."""
    for host in ("ge@heim@127.0.0.1", "heim geheim", "heim;x"):
        with pytest.raises(ConfigurationError, match="write @ in a password as %40"):
            addresses(sqlite, tmp_path, f"postgresql://u:{host}/crm" if "@" in host else f"postgresql://{host}/crm")
    urls = [
        "postgresql://u:ge%40heim@127.0.0.1/crm",
        "postgresql://u@tenant:geheim@127.0.0.1/crm",
        "postgresql://u:g:e/h?e#im@127.0.0.1/crm",
        "postgresql://u@127.0.0.1/crm",
        "postgresql://127.0.0.1/crm",
    ]
    assert set(addresses(sqlite, tmp_path, *urls)) == {"postgresql:127.0.0.1:5432/crm/customers"}
    assert addresses(sqlite, tmp_path, "mariadb://u:p@[::1]/crm") == ["mariadb:::1:3306/crm/customers"]


@SERVERS
@pytest.mark.parametrize("password", ["Qx7zz/a", "a:Qx7zz", "a#Qx7zz", "a?Qx7zz", "a%40Qx7zz", "Qx7zz"])
def test_x01_no_password_is_in_an_error_of_opening(database: Database, tmp_path: Path, password: str) -> None:
    """Whatever characters it has, neither a refused login nor a missing database shows it."""
    place = Place(database, tmp_path)
    server = database.engine.url
    for user, port in (("nobody_there", server.port), ("nobody_there", 9)):
        url = f"{database.kind}://{user}:{password}@127.0.0.1:{port}/no_such_database"
        source = place.source(url=SecretStr(url))
        with pytest.raises(ConnectorError) as caught:
            source.open()
        assert SECRET not in str(caught.value) + source.address


@SERVERS
def test_a_missing_database_is_told(database: Database, tmp_path: Path) -> None:
    """Its name stands in the job; the server's words are not needed."""
    url = database.engine.url.set(database="nowhere_to_be_found").render_as_string(hide_password=False)
    with pytest.raises(ConfigurationError, match=r"no such database|Unknown database"):
        Place(database, tmp_path).source(url=SecretStr(url)).open()


def failure(source: DatabaseSource) -> ConnectorError | None:
    """Open and read a source, and tell what went wrong: some queries are wrong on one database only."""
    try:
        source.open()
        list(source.pages(None, 10))
    except ConnectorError as error:
        return error
    return None


TOKENS = [SECRET, f"{SECRET} tok-9", f"9-{SECRET}", f"a''{SECRET}", f"{SECRET}\n--"]
QUERIES = [
    "SELECT id, name, updated_at FROM customers WHERE name = '{0}",
    "SELECT id, name, updated_at FROM customers WHERE name = '{0}' '{0}' !",
    "SELECT id, name, updated_at FROM customers WHERE '{0}' SELECT '{0}'",
    "SELECT id, name, updated_at FROM customers name = '{0}'",
    "SELECT id, name, '{0}' '{0}' updated_at FORM customers",
    "SELECT id, name, updated_at FROM customers WHERE id = 12.5Qx7zz",
    "SELECT id, name, updated_at FROM customers WHERE no_function('{0}') = 1",
    "SELECT id, name, updated_at FROM customers WHERE CAST('{0}' AS DECIMAL(5)) = 1",
    "SELECT id, name, updated_at FROM customers WHERE id = CAST('{0}' AS no_such_type)",
    "SELECT id, '{0}', '{0}', updated_at FROM customers",
    "SELECT id, name, updated_at FROM customers WHERE id IN (SELECT id, '{0}' FROM customers)",
    "SELECT id, name, updated_at FROM customers WHERE name LIKE '{0}' ESCAPE '{0}'",
    "SELECT id, name, updated_at FROM customers WHERE name COLLATE '{0}' = 'x'",
    "SELECT id, name, updated_at FROM customers WHERE id = '{0}'::int",
    "SELECT id, name, updated_at FROM customers WHERE updated_at > date '{0}'",
    "SELECT id, name, updated_at FROM customers WHERE name REGEXP '({0}['",
    "SELECT id, name, updated_at FROM customers WHERE name ~ '({0}['",
    "SELECT id, name, updated_at FROM no_table WHERE name = '{0}'",
    "SELECT id, name, updated_at FROM customers WHERE no_column = '{0}'",
]


@pytest.mark.parametrize("query", QUERIES)
def test_no_literal_of_a_query_is_in_an_error(place: Place, query: str) -> None:
    """Wherever a query goes wrong, at its opening or in its reading, what stands in its literals is not told."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=1))])
    for token in TOKENS:
        source = place.source(table=None, query=query.format(token))
        error = failure(source)
        assert SECRET not in str(error)
        assert len(str(error).splitlines()) <= 1
        assert error is None or error.__cause__ is None


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT id FROM no_table", {"sqlite": "no such table: no_table", "": "no_table"}),
        ("SELECT no_column FROM customers", {"sqlite": "no such column: no_column", "": "no_column"}),
        (
            "SELECT id FROM customers WHERE AND",
            {"sqlite": 'near "AND": syntax', "postgresql": 'at or near "AND"', "": r"syntax error \(1064\) at line 2"},
        ),
        (
            "SELECT id FROM customers WHERE 1 = 1 'x'",
            {"sqlite": "syntax error$", "postgresql": r"syntax error at character \d+$", "": r"\(1064\) at line 2$"},
        ),
    ],
)
def test_names_and_places_are_told(place: Place, query: str, told: dict[str, str]) -> None:
    """What is needed to put the query right is there all the same."""
    create(place.database)
    with pytest.raises(ConfigurationError, match=told.get(place.database.kind, told[""])):
        place.source(table=None, query=query, updated_at=None).open()


def test_x01_a_cell_is_in_no_error_of_reading(postgresql: Database, tmp_path: Path) -> None:
    """A value that a query cannot convert is told by the error's number."""
    place = Place(postgresql, tmp_path)
    create(postgresql)
    insert(postgresql, [(1, SECRET, ago(minutes=1))])
    query = "SELECT id, CAST(name AS integer) AS name, updated_at FROM customers"
    with pytest.raises(ConnectorError, match="22P02") as caught:
        list(place.source(table=None, query=query).pages(None, 10))
    assert SECRET not in str(caught.value)
    place.close()


def test_one_bad_cell_is_one_reject(sqlite: Database, tmp_path: Path) -> None:
    """Bytes that are no text, where the last update stands, stop neither the opening nor another record."""
    runs = DatabaseRuns(sqlite, tmp_path)
    create(sqlite)
    insert(sqlite, [(n, f"N{n}", ago(minutes=n)) for n in range(1, 5)])
    sqlite.execute("UPDATE customers SET updated_at = CAST(x'4d61726961fc' AS TEXT) WHERE id = 2")
    for _ in range(2):
        summary = runs.run()
        assert (summary.exit_code, runs.rejected()) == (ExitCode.REJECTS, [("2", "cursor_missing")])
    assert sorted(runs.arrived) == ["1", "3", "4"]
    insert(sqlite, [(9, "N9", ago(seconds=30))])
    sqlite.execute("UPDATE customers SET updated_at = '2026-03-01T11:59:50Z' WHERE id = 2")
    assert (runs.run().exit_code, runs.rejected()) == (ExitCode.DONE, [])
    assert sorted(runs.arrived) == ["1", "2", "3", "4", "9"]
    runs.ledger.close()


def test_what_a_cell_holds_is_not_told_where_it_cannot_be_read(sqlite: Database) -> None:
    """The driver's words end with it."""
    with sqlite.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text("SELECT CAST(x'4d61726961fc' AS TEXT) AS updated_at")).all()
    assert "Maria" in str(caught.value.orig)
    assert diagnose(caught.value) is Trouble.VALUE
    assert "Maria" not in str(in_mid_read(caught.value, "the table"))


@pytest.mark.parametrize("state", ["25P03", "25P04", "57P05"])
def test_a_limit_of_idleness_is_a_lost_connection(postgresql: Database, state: str) -> None:
    """In a transaction, of a transaction, and of a session."""
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'slow' USING ERRCODE = '{state}'; END $$"
    with postgresql.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement))
    assert diagnose(caught.value) is Trouble.LOST


@pytest.mark.parametrize("limit", ["idle_in_transaction_session_timeout", "idle_session_timeout"])
def test_a_server_that_ends_sessions_for_their_slowness(postgresql: Database, tmp_path: Path, limit: str) -> None:
    """A target that takes its time makes us idle: the read goes on where it stood, and gives each record once."""
    fill(postgresql, 400, width=20_000)
    place = Place(postgresql, tmp_path)
    name = postgresql.engine.url.database
    postgresql.execute(f"ALTER DATABASE {name} SET {limit} = '200ms'")
    try:
        found: list[str] = []
        for page in place.source().pages(None, 100):
            found += page.keys
            time.sleep(0.5)
        gc.collect()  # what a lost session leaves open would be warned of here
    finally:
        postgresql.execute(f"ALTER DATABASE {name} RESET {limit}")
    assert found == [str(n) for n in range(1, 401)]
    place.close()
