"""What the errors of real servers are taken for, whatever a driver's version says beside the number."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connectors.database.failure import Trouble, at_opening, diagnose, in_mid_read
from connectors.protocol import BrokenSourceError, ConfigurationError, CredentialsError, UnavailableError
from tests.server import Database

SECRET = "Anna Muster"


def signalled(database: Database, state: str, number: int = 0) -> DBAPIError:
    """Let the server raise an error of our choice, with a customer's name in its words."""
    statement = {
        "postgresql": f"DO $$ BEGIN RAISE EXCEPTION '{SECRET}' USING ERRCODE = '{state}'; END $$",
        "mariadb": f"SIGNAL SQLSTATE '{state}' SET MYSQL_ERRNO = {number}, MESSAGE_TEXT = '{SECRET}'",
    }[database.kind]
    with database.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement))
    return caught.value


@pytest.mark.parametrize(
    ("state", "number", "trouble"),
    [
        ("70100", 1927, Trouble.LOST),  # killed
        ("08S01", 1053, Trouble.LOST),  # going down
        ("08004", 1040, Trouble.LOST),  # too many connections
        ("HY000", 1205, Trouble.LOST),  # waited for a lock
        ("40001", 1213, Trouble.LOST),  # deadlock
        ("42000", 1044, Trouble.LOGIN),  # no right to the database
        ("28000", 1045, Trouble.LOGIN),
        ("42S22", 1054, Trouble.WRONG),  # column
        ("42S02", 1146, Trouble.WRONG),  # table
        ("42000", 1064, Trouble.WRONG),  # syntax
        ("22007", 1292, Trouble.OTHER),  # a value
        ("70100", 1969, Trouble.OTHER),  # a limit of the statement's time
    ],
)
def test_mariadb_is_understood_by_its_numbers(mariadb: Database, state: str, number: int, trouble: Trouble) -> None:
    """Its states are coarser: of one there are troubles that pass and some that do not."""
    assert diagnose(signalled(mariadb, state, number)) is trouble


@pytest.mark.parametrize(
    ("state", "trouble"),
    [
        ("57P01", Trouble.LOST),  # the administrator ends it
        ("57P03", Trouble.LOST),  # it starts
        ("53300", Trouble.LOST),  # too many connections
        ("40001", Trouble.LOST),  # a standby that must go on
        ("08006", Trouble.LOST),
        ("28P01", Trouble.LOGIN),
        ("42703", Trouble.WRONG),  # column
        ("42501", Trouble.WRONG),  # permission
        ("3F000", Trouble.WRONG),  # schema
        ("22012", Trouble.OTHER),  # division by zero
        ("57014", Trouble.OTHER),  # a limit of the statement's time
    ],
)
def test_postgresql_is_understood_by_its_states(postgresql: Database, state: str, trouble: Trouble) -> None:
    """As its documentation sorts them."""
    assert diagnose(signalled(postgresql, state)) is trouble


@pytest.mark.parametrize(
    ("database", "state", "number"),
    [("postgresql", "22P02", 0), ("postgresql", "P0001", 0), ("mariadb", "22007", 1292), ("mariadb", "45000", 1644)],
    indirect=["database"],
)
def test_words_that_may_hold_a_value_are_not_told_in_mid_read(database: Database, state: str, number: int) -> None:
    """Only the error's class and number are."""
    told = in_mid_read(signalled(database, state, number), "table 'customers'")
    assert isinstance(told, BrokenSourceError)
    assert SECRET not in str(told)
    assert (str(number) if number else state) in str(told)


def test_text_that_cannot_be_decoded_is_not_told(sqlite: Database) -> None:
    """Python's own words for it show the text."""
    with sqlite.engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(f"SELECT CAST(CAST('{SECRET}' AS BLOB) || x'ff' AS TEXT)")).all()
    assert SECRET in str(caught.value.orig)
    assert diagnose(caught.value) is Trouble.VALUE
    for told in (at_opening(caught.value, "t"), in_mid_read(caught.value, "t")):
        assert SECRET not in str(told)


def test_each_trouble_has_an_error_that_says_what_to_do(mariadb: Database) -> None:
    """Before a record was read the job is wrong or the server away; afterwards the source is broken or away."""
    lost, login, wrong = (signalled(mariadb, *each) for each in (("70100", 1927), ("28000", 1045), ("42S02", 1146)))
    assert [type(at_opening(each, "t")) for each in (lost, login, wrong)] == [
        UnavailableError, CredentialsError, ConfigurationError,
    ]  # fmt: skip
    assert [type(in_mid_read(each, "t")) for each in (login, wrong)] == [CredentialsError, BrokenSourceError]
