"""Settings that cannot be meant are refused when they are made."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.sandbox.keypro.setting import KeyproSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"names": {"customernumber": "number"}}, "no field customernumber"),
        ({"kinds": {"number": "text"}}, "no field number"),
        ({"required": ("name",)}, "no field name"),
        ({"reference_field": "reference"}, "no field reference"),
        ({"constant_groups": {"type": "customertype"}}, "no field type"),
        ({"required": ("id",)}, "the server's own"),
        ({"kinds": {"dateModified": "text"}}, "the server's own"),
        ({"reference_field": "id"}, "the server's own"),
        ({"kinds": {"note": "moment"}}, "no request holds a date and time"),
        ({"names": {"note": "country"}}, "a key of its own"),
        ({"names": {"note": ""}}, "a key of its own"),
        ({"names": {"note": "a__b"}}, "a key of its own"),
        ({"prefix": "api/v2"}, "begins with a slash"),
        ({"prefix": "/api/v2/"}, "begins with a slash"),
        ({"prefix": "/"}, "begins with a slash"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    """A misspelt field, a key for two fields or half a prefix is told at once."""
    with pytest.raises(ValueError, match=message):
        KeyproSettings(**settings)


def test_keys_may_be_swapped() -> None:
    """Two fields can take each other's candidate names."""
    keys = KeyproSettings(names={"note": "country", "country": "note"}).keys
    assert (keys["note"], keys["country"]) == ("country", "note")
