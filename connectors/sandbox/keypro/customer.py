"""Keypro's rules for writing a customer, and the object that answers show. Keeps nothing and knows no HTTP.

Inferred: what a create does not say is null, every field but the required ones may be null or blank, an id of a
constant must be in its group while addresses and apartments are not looked at (no page lists them), all errors of a
body are told at once, and every update moves the modified time, even one that changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from connectors.sandbox.keypro.book import Customer, CustomerBook
from connectors.sandbox.keypro.field import FIELDS, PROTECTED, READ_ONLY, Column
from connectors.sandbox.keypro.refusal import (
    BLANK,
    NOT_WRITABLE,
    NULL,
    REQUIRED,
    UNKNOWN,
    invalid,
    no_such_constant,
    taken,
)
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.value import WrongValueError, read_json, show_moment


class CustomerDesk:
    """Makes customers and their next versions out of JSON objects, against the settings and the book."""

    def __init__(self, settings: KeyproSettings, book: CustomerBook) -> None:
        self._settings = settings
        self._book = book
        self._kinds = {**FIELDS, **settings.kinds}
        self._names = {key: name for name, key in settings.keys.items()}
        self._constants: defaultdict[str, set[int]] = defaultdict(set)
        for constant in settings.constants:
            self._constants[constant.groupname].add(constant.id)

    @property
    def columns(self) -> Mapping[str, Column]:
        """What customers can be filtered and ordered by, under the keys of answers."""
        return {key: Column(name, self._kinds[name]) for key, name in self._names.items()}

    def create(self, body: Mapping[str, object], now: datetime | None) -> Customer:
        """Make a new customer; raises ApiError."""
        errors: dict[str, list[str]] = {}
        given = self._read(body, errors)
        for name in self._settings.required:
            key = self._settings.keys[name]
            if key not in body:
                errors[key] = [REQUIRED]
        self._refuse_errors(None, given, errors)
        values = dict.fromkeys(FIELDS.keys() - READ_ONLY) | given
        return Customer(self._book.next_id(), values, now)

    def update(self, current: Customer, body: Mapping[str, object], now: datetime) -> Customer:
        """Make the next version of a customer; what is not there stays, null clears. Raises ApiError."""
        errors: dict[str, list[str]] = {}
        given = self._read(body, errors)
        self._refuse_errors(current, given, errors)
        return Customer(current.id, {**current.values, **given}, now)

    def _read(self, body: Mapping[str, object], errors: dict[str, list[str]]) -> dict[str, object]:
        """Read the fields that can be written; what is wrong goes into `errors`."""
        values: dict[str, object] = {}
        for key, value in body.items():
            name = self._names.get(key)
            try:
                if name is None:
                    _refuse_if(self._settings.unknown_properties == "refuse", UNKNOWN)
                elif name in READ_ONLY:
                    _refuse_if(self._settings.read_only == "refuse", NOT_WRITABLE)
                else:
                    values[name] = self._read_value(name, value)
            except WrongValueError as error:
                errors[key] = [str(error)]
        return values

    def _read_value(self, name: str, value: object) -> object:
        is_required = name in self._settings.required
        if value is None:
            _refuse_if(is_required, NULL)
            return None
        value = read_json(self._kinds[name], value)
        if isinstance(value, str) and self._kinds[name] == "text":
            value = value.strip() if self._settings.trims_text else value
            _refuse_if(is_required and not value, BLANK)
            most = self._settings.max_length
            _refuse_if(most is not None and len(value) > most, f"Ensure this field has no more than {most} characters.")
        group = self._settings.constant_groups.get(name)
        _refuse_if(group is not None and value not in self._constants[group], no_such_constant(value))
        return value

    def _refuse_errors(
        self, current: Customer | None, given: Mapping[str, object], errors: dict[str, list[str]]
    ) -> None:
        """Raise what is wrong with a body, a number that another customer bears included."""
        key = self._settings.keys["customerNumber"]
        conflict = {key: [taken(key)]} if self._is_taken(current, given.get("customerNumber")) else {}
        if self._settings.unique_number == "400":
            errors.update(conflict)
        if errors:
            raise invalid(errors)
        if conflict:
            raise invalid(conflict, 409)

    def _is_taken(self, current: Customer | None, number: object) -> bool:
        if number is None or self._settings.unique_number == "off":
            return False
        return any(current is None or other.id != current.id for other in self._book.by_value("customerNumber", number))

    def read_field(self, customer: Customer, name: str) -> object:
        """Give a value as answers show it, times as times; a masked one is null."""
        match name:
            case "id":
                return customer.id
            case "dateModified":
                return customer.modified
            case _ if name in PROTECTED and customer.values["RestrictedType"] in self._settings.masked:
                return None
            case _:
                return customer.values[name]

    def show(self, customer: Customer) -> dict[str, object]:
        """Make the answer's object, every field in the documented order."""
        shown = {key: self.read_field(customer, name) for name, key in self._settings.keys.items()}
        shown[self._settings.keys["dateModified"]] = show_moment(customer.modified)
        return shown


def _refuse_if(wrong: object, text: str) -> None:
    if wrong:
        raise WrongValueError(text)
