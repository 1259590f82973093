"""Says what a database's error means for the run; its texts never carry a value of a customer."""

from __future__ import annotations

import sqlite3
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
    VALUE = "the driver has no Python value for something it read"
    WRONG = "table, column, query or permission"
    OTHER = "anything else"


# https://www.postgresql.org/docs/current/errcodes-appendix.html; a hot standby cancels with 40001
_POSTGRESQL_LOST = {"57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01"}
_POSTGRESQL_LOGIN = ("authentication failed", "no password supplied", "pg_hba.conf", 'role "')
# https://mariadb.com/kb/en/mariadb-error-codes/; 2000 and above are the client's
_MYSQL_LOST = {1040, 1053, 1152, 1158, 1159, 1160, 1161, 1205, 1213, 1927, 2002, 2003, 2006, 2013, 2055, 3169, 4031}
_MYSQL_LOGIN = {1044, 1045, 1251, 1698, 2059}
_MYSQL_WRONG = {1046, 1049, 1051, 1052, 1054, 1060, 1064, 1109, 1142, 1143, 1146, 1222, 1248, 1305, 1356, 1370}


def diagnose(error: DBAPIError) -> Trouble:
    """Sort an error of any of the three drivers."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _of_sqlite(cause)
    if hasattr(cause, "sqlstate"):
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
        return Trouble.VALUE if kind == "DataError" else _of_libpq(str(error.orig))
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


def at_opening(error: DBAPIError, what: str) -> ConnectorError:
    """Make the error that tells why `what` cannot be opened; no record was read yet, so the server's words are told."""
    match diagnose(error):
        case Trouble.LOST:
            return UnavailableError(f"{what}: the database does not answer ({_code(error)})")
        case Trouble.LOGIN:
            return CredentialsError(f"{what}: the database refuses our name or password ({_code(error)}) (source.url)")
        case Trouble.LOCKED:
            return UnavailableError(f"{what}: the database file is locked")
        case _:
            return ConfigurationError(f"{what}: {_first_line(error)}")


def in_mid_read(error: DBAPIError, what: str) -> ConnectorError:
    """Make the error that tells why `what` cannot be read on; the server's words are told where they are but names."""
    match diagnose(error):
        case Trouble.LOGIN:
            return CredentialsError(f"{what}: the database refuses our name or password ({_code(error)}) (source.url)")
        case Trouble.LOCKED:
            return UnavailableError(f"{what}: the database file is locked")
        case Trouble.WRONG:
            return BrokenSourceError(f"{what} changed while it was being read: {_first_line(error)}")
        case _:
            return BrokenSourceError(f"{what}: cannot be read any further ({_code(error)})")


def _first_line(error: DBAPIError) -> str:
    """Take the server's own first line."""
    cause = error.orig
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    args = cause.args if cause is not None else ()
    text = primary or (str(args[1]) if len(args) > 1 else str(args[0]) if args else "")
    line = text.strip().splitlines()[0] if text.strip() else _code(error)
    return line[:_LONGEST]


def _code(error: DBAPIError) -> str:
    """Name an error by its class and number alone."""
    cause = error.orig
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    if code is None and cause is not None and cause.args and isinstance(cause.args[0], int):
        code = str(cause.args[0])
    return f"{type(cause).__name__} {code}" if code else type(cause).__name__
