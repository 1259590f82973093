"""Says what a database's error means for the run; its texts carry no value of a customer and no literal of a query."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from enum import Enum

from sqlalchemy.exc import DBAPIError

from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    UnavailableError,
)

_LONGEST = 200


class Trouble(Enum):
    """What an error of a driver means."""

    LOST = "the server does not answer, or ended the connection"
    LOGIN = "it refuses our name or password"
    LOCKED = "the file is locked"
    NEEDS_WRITING = "SQLite would have to write beside the file, or into it, before it could read"
    VALUE = "the driver has no Python value for something it read"
    WRONG = "table, column, query or permission"
    OTHER = "anything else"


# https://www.postgresql.org/docs/current/errcodes-appendix.html; a hot standby cancels with 40001
_POSTGRESQL_LOST = {"55P03", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01"}
_POSTGRESQL_LOGIN = ("authentication failed", "no password supplied", "pg_hba.conf", 'role "')
# table, column, right and function: their words are names
_POSTGRESQL_NAMES = {"42P01", "42703", "42501", "42883"}
# https://mariadb.com/kb/en/mariadb-error-codes/; 2000 and above are the client's
_MYSQL_LOST = {1040, 1053, 1152, 1158, 1159, 1160, 1161, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031}
_MYSQL_LOGIN = {1044, 1045, 1251, 1698, 2059}
_MYSQL_WRONG = {1046, 1049, 1051, 1052, 1054, 1060, 1064, 1109, 1142, 1143, 1146, 1222, 1248, 1305, 1356, 1370}
_MYSQL_NAMES = {1049, 1054, 1142, 1146}
_MYSQL_SYNTAX, _MYSQL_TWICE = 1064, 1060
_TWICE = re.compile(r"Duplicate column name '(.+)'")
_SQLITE_NAMES = re.compile(r"(?:no such (?:table|column|function)|ambiguous column name): [\w.$]+")
_SQLITE_FILE = {"file is not a database", "unable to open database file", "database disk image is malformed"}
_NEAR = re.compile(r'(?:syntax error at or )?near "[A-Za-z_][A-Za-z0-9_]*"(?:: syntax error)?')
_LINE = re.compile(r"at line (\d+)\Z")


def diagnose(error: DBAPIError) -> Trouble:
    """Sort an error of any of the three drivers."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if type(cause).__module__.startswith("psycopg"):
        return _of_postgresql(error, getattr(cause, "sqlstate", None))
    code = cause.args[0] if cause is not None and cause.args else None
    if code in _MYSQL_LOGIN:
        return Trouble.LOGIN
    if code in _MYSQL_LOST or code == 0 or "InterfaceError" in type(cause).__name__:
        return Trouble.LOST
    return Trouble.WRONG if code in _MYSQL_WRONG else Trouble.OTHER


def _of_sqlite(cause: sqlite3.Error) -> Trouble:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return Trouble.LOCKED
    if code == sqlite3.SQLITE_READONLY:
        return Trouble.NEEDS_WRITING
    if str(cause).startswith("Could not decode"):  # the text goes on with the value
        return Trouble.VALUE
    return (
        Trouble.WRONG
        if code in {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB}
        else (Trouble.OTHER)
    )


def _of_postgresql(error: DBAPIError, state: str | None) -> Trouble:
    kind = type(error.orig).__name__
    if state is None:
        if kind in {"OperationalError", "InterfaceError"}:
            return _of_libpq(str(error.orig))
        return Trouble.VALUE if kind == "DataError" else Trouble.OTHER  # such as a parameter of the URL that is none
    if state in _POSTGRESQL_LOST or state.startswith("08"):
        return Trouble.LOST
    if state.startswith("28"):
        return Trouble.LOGIN
    return Trouble.WRONG if state.startswith(("42", "3D", "3F")) else Trouble.OTHER


def _of_libpq(text: str) -> Trouble:
    """Read what the client library says before there is a session: it has no codes, just the server's words."""
    if any(sign in text for sign in _POSTGRESQL_LOGIN):
        return Trouble.LOGIN
    return Trouble.WRONG if 'database "' in text and "does not exist" in text else Trouble.LOST


def at_opening(error: DBAPIError, what: str, named: Collection[str] = ()) -> ConnectorError:
    """Make the error that tells why `what` cannot be opened; the server's words are told where they are but names.

    `named` are the columns that the job names; others of MariaDB's may be called by a literal of the query.
    """
    match diagnose(error):
        case Trouble.LOST:
            return UnavailableError(f"{what}: the database does not answer ({_code(error)})")
        case Trouble.LOGIN:
            return CredentialsError(f"{what}: the database refuses our name or password ({_code(error)}) (source.url)")
        case Trouble.LOCKED:
            return UnavailableError(f"{what}: the database file is locked")
        case Trouble.NEEDS_WRITING:
            return ConfigurationError(f"{what}: {_why_writing(error)}")
        case Trouble.VALUE:  # the driver's words show it
            return ConfigurationError(f"{what}: holds what cannot be read ({_code(error)})")
        case _:
            return ConfigurationError(f"{what}: {_words(error, named)}")


def in_mid_read(error: DBAPIError, what: str) -> ConnectorError:
    """Make the error that tells why `what` cannot be read on; the server's words are told where they are but names."""
    match diagnose(error):
        case Trouble.LOGIN:
            return CredentialsError(f"{what}: the database refuses our name or password ({_code(error)}) (source.url)")
        case Trouble.LOCKED:
            return UnavailableError(f"{what}: the database file is locked")
        case Trouble.WRONG:
            return BrokenSourceError(f"{what} changed while it was being read: {_words(error)}")
        case _:
            return BrokenSourceError(f"{what}: cannot be read any further ({_code(error)})")


def _why_writing(error: DBAPIError) -> str:
    """Say what SQLite cannot do for a reader that never writes: https://www.sqlite.org/rescode.html#readonly."""
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_ROLLBACK:
        return "a writer of the file has crashed; let its own program open it once, which takes back what was half done"
    return "the file is in WAL mode, for which SQLite makes files beside it; its folder must let us write (source.url)"


def _words(error: DBAPIError, named: Collection[str] = ()) -> str:
    """Tell the server's words where they are but names; elsewhere they may quote the query, or a cell."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        told = _words_of_sqlite(str(cause))
    elif type(cause).__module__.startswith("psycopg"):
        told = _words_of_postgresql(cause)
    else:
        told = _words_of_mysql(cause.args if cause is not None else (), named)
    lines = (told or "").strip().splitlines()
    return lines[0][:_LONGEST] if lines else _code(error)


def _words_of_sqlite(text: str) -> str | None:
    if text in _SQLITE_FILE or _SQLITE_NAMES.fullmatch(text) or _NEAR.fullmatch(text):
        return text
    return "syntax error" if text.endswith((": syntax error", "incomplete input")) else None


def _words_of_postgresql(cause: object) -> str | None:
    state, diagnosis = getattr(cause, "sqlstate", None), getattr(cause, "diag", None)
    text: str = getattr(diagnosis, "message_primary", None) or ""
    if state in _POSTGRESQL_NAMES:
        return text
    if state == "42601":
        return (
            text
            if _NEAR.fullmatch(text)
            else f"syntax error at character {getattr(diagnosis, 'statement_position', None)}"
        )
    return "there is no such database" if state is None else None  # `_of_libpq` knows but one that is wrong


def _words_of_mysql(args: tuple[object, ...], named: Collection[str]) -> str | None:
    number, text = (args[0], str(args[1])) if len(args) > 1 else (None, "")
    if number == _MYSQL_SYNTAX:
        line = _LINE.search(text)
        return f"syntax error ({number})" + (f" at line {line[1]}" if line else "")
    if number == _MYSQL_TWICE:
        twice = _TWICE.fullmatch(text)
        called = f"are called {twice[1]!r}" if twice and twice[1] in named else "have one name"
        return f"two columns {called}; give them names with AS"
    return text if number in _MYSQL_NAMES else None


def _code(error: DBAPIError) -> str:
    """Name an error by its class and number alone."""
    cause = error.orig
    number = cause.args[0] if cause is not None and cause.args else None
    if isinstance(number, int):  # MariaDB's, finer than the state that PyMySQL 1.2 gives as well
        return f"{type(cause).__name__} {number}"
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__
