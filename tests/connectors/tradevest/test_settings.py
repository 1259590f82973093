"""What a job file may say about tradevest, and what is shown of it."""

from __future__ import annotations

from uuid import UUID

import pytest
from pydantic import ValidationError

from connectors.protocol import ConfigurationError
from connectors.tradevest import TradevestSettings, TradevestSourceSettings
from connectors.tradevest.target import TradevestTarget
from tests.connectors.tradevest.app import GIVEN, REQUESTOR, SETTINGS


def test_what_may_be_left_out() -> None:
    """Limits and waits have defaults; a scope and a ceiling are not there unless they are asked for."""
    settings = TradevestSettings.model_validate({**GIVEN, "requestor_id": REQUESTOR, "scope": None})
    assert (settings.concurrency, settings.rate, settings.timeout, settings.scope) == (16, None, 30.0, None)
    assert (settings.settling, settings.deciding, settings.page_limit) == (5.0, 60.0, 100)


def test_quantities_are_written_as_in_a_job_file() -> None:
    """Rate, waits and deadline are text with a unit; not to wait for what was created is allowed."""
    written = {"rate": "3000/min", "timeout": "2m", "settling": "0s", "deciding": "5m"}
    settings = TradevestSettings.model_validate({**GIVEN, "requestor_id": REQUESTOR, **written})
    assert (settings.rate, settings.timeout, settings.settling, settings.deciding) == (50.0, 120.0, 0.0, 300.0)
    target = TradevestTarget(settings)
    assert (target.settling_seconds, target.deciding_seconds) == (0.0, 300.0)


@pytest.mark.parametrize("missing", ["base_url", "client_id", "client_secret", "token_url", "requestor_id"])
def test_what_a_target_cannot_do_without(missing: str) -> None:
    """The address of the tokens has no default, and somebody must answer for what is changed."""
    given = {name: value for name, value in {**GIVEN, "requestor_id": REQUESTOR}.items() if name != missing}
    with pytest.raises(ValidationError, match=missing):
        TradevestSettings.model_validate(given)


def test_a_source_needs_nobody_to_answer_for_it() -> None:
    """Reading takes no requestor, and one that is there does no harm."""
    assert TradevestSourceSettings.model_validate(GIVEN).requestor_id is None
    settings = TradevestSourceSettings.model_validate({**GIVEN, "requestor_id": REQUESTOR})
    assert settings.requestor_id == UUID(REQUESTOR)


@pytest.mark.parametrize(
    "wrong",
    [
        {"requestor_id": "canary"},
        {"concurrency": 0},
        {"rate": "fast"},
        {"settling": "-1s"},
        {"page_limit": 0},
        {"x": 1},
    ],
)
def test_wrong_settings_are_refused_without_showing_a_secret(wrong: dict[str, object]) -> None:
    """A setting out of bounds or unknown is refused, and the error shows no value."""
    with pytest.raises(ValidationError) as caught:
        TradevestSettings.model_validate({**GIVEN, "requestor_id": REQUESTOR, **wrong})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "url"),
    [("base_url", "http://api.example"), ("token_url", "http://auth.example"), ("token_url", "https://u:p@a.example")],
)
def test_an_unsafe_address_is_a_configuration_error(key: str, url: str) -> None:
    """Plain http beyond this machine and credentials in an address stop the job, which names the key."""
    with pytest.raises(ConfigurationError, match=key):
        TradevestTarget(SETTINGS.model_copy(update={key: url}))


def test_no_repr_shows_a_secret() -> None:
    """Neither settings nor target show client, secret or requestor; the address names the server."""
    target = TradevestTarget(SETTINGS)
    assert target.address == "tradevest:https://api.tradevest.example"
    text = f"{SETTINGS!r} {SETTINGS} {target!r} {vars(target._client)!r}"
    assert not [secret for secret in ("canary", REQUESTOR) if secret in text]
