"""Parameters of a list that cannot be understood."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.keypro.caller import KeyproCaller, refusal

INTEGER = "A valid integer is required."
MOMENT = (
    "Datetime has wrong format. Use one of these formats instead: "
    "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z], YYYY-MM-DD."
)
UNKNOWN = "Unknown parameter."


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("limit", "0", "Ensure this value is greater than or equal to 1."),
        ("limit", "-1", "Ensure this value is greater than or equal to 1."),
        ("limit", "ten", INTEGER),
        ("limit", "", INTEGER),
        ("limit", "1.0", INTEGER),
        ("offset", "-1", "Ensure this value is greater than or equal to 0."),
        ("offset", "x", INTEGER),
        ("orderby", "colour", 'Invalid field "colour".'),
        ("orderby", "id,--id", 'Invalid field "--id".'),
        ("orderby", "id,", 'Invalid field "".'),
        ("orderby", "", 'Invalid field "".'),
        ("orderby", "Address__city", 'Invalid field "Address__city".'),
        ("colour", "red", UNKNOWN),
        ("updated_since", "2026-03-01", UNKNOWN),
        ("not__colour", "red", UNKNOWN),
        ("not__", "1", UNKNOWN),
        ("not__not__id", "1", UNKNOWN),
        ("not__limit", "1", UNKNOWN),
        ("customername", "x", UNKNOWN),
        ("customerName__", "x", UNKNOWN),
        ("customerName__like", "x", UNKNOWN),
        ("customerName__gt", "x", UNKNOWN),
        ("customerNumber__in", "C-1,C-2", UNKNOWN),
        ("id__in", "1,2", UNKNOWN),
        ("id__exact", "1", UNKNOWN),
        ("id__contains", "1", UNKNOWN),
        ("sms2__gt", "true", UNKNOWN),
        ("Address__city", "x", UNKNOWN),
        ("id__gt__lt", "1", UNKNOWN),
        ("id", "x", INTEGER),
        ("id__gte", "", INTEGER),
        ("Type", "1.5", INTEGER),
        ("cooperativeSum", "1,5", "A valid number is required."),
        ("cooperativeSum__gt", "nan", "A valid number is required."),
        ("sms2", "1", "Not a valid boolean."),
        ("sms2", "True", "Not a valid boolean."),
        ("id__isnull", "yes", "Not a valid boolean."),
        ("cooperativeDate", "1.1.2020", "Date has wrong format. Use one of these formats instead: YYYY-MM-DD."),
        ("dateModified__gte", "2026-02-30T00:00:00Z", MOMENT),
        ("dateModified__gte", "2026-03-01T12:02:00 02:00", MOMENT),
        ("dateModified__gte", "20260301T120200Z", MOMENT),
        ("dateModified__gte", "0001-01-01T00:00:00+14:00", MOMENT),
        ("dateModified__gte", "", MOMENT),
    ],
)
def test_bad_parameters(api: KeyproCaller, name: str, value: str, text: str) -> None:
    """A parameter that cannot be understood is refused by name, even without customers."""
    assert refusal(api.get(**{name: value})) == (400, {name: [text]})


def test_plus_sign_that_is_not_encoded_is_a_blank(api: KeyproCaller) -> None:
    """A zone sent with a plain plus sign is no zone."""
    status, _ = refusal(api.get("?dateModified__gte=2026-03-01T12:00:00+02:00"))
    assert status == 400


def test_all_bad_parameters_are_told_at_once(api: KeyproCaller) -> None:
    """Each parameter that failed has its own entry."""
    assert refusal(api.get(limit="x", offset="-1", orderby="x", colour="red", id="x")) == (
        400,
        {
            "limit": [INTEGER],
            "offset": ["Ensure this value is greater than or equal to 0."],
            "orderby": ['Invalid field "x".'],
            "colour": [UNKNOWN],
            "id": [INTEGER],
        },
    )
