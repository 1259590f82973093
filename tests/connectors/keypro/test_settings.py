"""What a job file may say about a Keypro server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.keypro import KeyproSettings, KeyproSourceSettings
from tests.connectors.keypro.wire import GIVEN, TOKEN


def test_what_may_be_left_out() -> None:
    """Base URL and token are enough."""
    settings = KeyproSettings.model_validate(GIVEN)
    assert (settings.concurrency, settings.rate, settings.timeout, settings.settling) == (16, None, 30.0, 5.0)
    assert (settings.reference_field, settings.properties, settings.trust_env) == ("customerNumber", {}, False)
    assert KeyproSourceSettings.model_validate(GIVEN).overlap == timedelta(minutes=10)


def test_quantities_are_written_as_in_a_job_file() -> None:
    """Rates and durations are texts, and no settling time is one as well."""
    settings = KeyproSettings.model_validate({**GIVEN, "rate": "3000/min", "timeout": "2m", "settling": "0s"})
    assert (settings.rate, settings.timeout, settings.settling) == (50.0, 120.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"concurrency": 0},
        {"settling": "-1s"},
        {"tokn": "x"},
        {"token": ""},
        {"token": "Token canary"},
        {"token": "canary\r\nX-Evil: 1"},
        {"token": "canaryä"},
        {"reference_field": "number"},
        {"reference_field": "id"},
        {"reference_field": "dateModified"},
        {"properties": {"number": "customer_no"}},
        {"constants": {"colour": "colours"}},
        {"constants": {"language": "../x"}},
    ],
)
def test_wrong_settings_are_refused_without_showing_a_secret(wrong: dict[str, object]) -> None:
    """What is out of bounds, unknown, or no token that a header could carry is refused, and no value is shown."""
    with pytest.raises(ValidationError) as caught:
        KeyproSettings.model_validate({**GIVEN, **wrong})
    assert "canary" not in str(caught.value)


def test_groups_of_constants_have_defaults_of_their_own() -> None:
    """A job may name one group, and the others stay as they are; an unknown kind has none."""
    settings = KeyproSettings.model_validate({**GIVEN, "constants": {"language": "lang"}})
    assert [settings.group(kind) for kind in ("language", "customer_type", "customer_status", "restricted_type")] == [
        *("lang", "customertype", "customerstatus", "restrictedtype")
    ]
    assert settings.group("colour") is None


def test_no_repr_shows_the_token() -> None:
    """Settings are shown without it."""
    settings = KeyproSettings.model_validate(GIVEN)
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump()}"
