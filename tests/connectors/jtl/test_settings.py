"""What a job file may say about JTL-Wawi."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.jtl import JtlSettings, JtlSourceSettings
from tests.connectors.jtl.app import CLOUD, PREMISES


def test_defaults() -> None:
    """Everything but the server and who signs in may be left out."""
    target = JtlSettings.model_validate(PREMISES)
    assert (target.path, target.api_version, target.concurrency, target.rate) == ("/customers", None, 16, None)
    assert (target.settling, target.timeout) == (5.0, 30.0)
    assert target.token_url == "https://auth.jtl-cloud.com/oauth2/token"
    source = JtlSourceSettings.model_validate(PREMISES)
    assert (source.last_change_filter, source.overlap) == (False, timedelta(minutes=10))
    assert JtlSettings.model_validate({**PREMISES, "settling": "0s"}).settling == 0


@pytest.mark.parametrize(
    ("more", "without", "words"),
    [
        ({"api_key": "canary-key"}, (), "not both"),
        ({}, ("client_id", "client_secret"), r"give client_id and client_secret \(cloud\) or api_key"),
        ({}, ("client_id",), "go together"),
        ({}, ("client_secret",), "go together"),
        ({"api_key": "canary-key"}, ("client_secret",), "not both"),
        ({"api_key": "canary\r\nX: 1"}, ("client_id", "client_secret"), "printable"),
        ({"tenant_id": "a\r\nX: 1"}, (), "tenant_id"),
        ({"path": "customers"}, (), "path"),
        ({"path": "/v1/../customers"}, (), "path"),
        ({"path": "/customers?x=1"}, (), "path"),
        ({"settling": "-1s"}, (), "settling"),
        ({"tennant_id": "x"}, (), "tennant_id"),
    ],
)
def test_wrong_settings_are_refused_without_a_secret(
    more: dict[str, object], without: tuple[str, ...], words: str
) -> None:
    """One way to sign in, and plain text for headers; errors show no value."""
    given = {name: value for name, value in {**CLOUD, **more}.items() if name not in without}
    with pytest.raises(ValidationError, match=words) as caught:
        JtlSettings.model_validate(given)
    assert "canary" not in str(caught.value)


def test_no_repr_shows_a_secret() -> None:
    """Neither who signs in nor with what."""
    for given in (CLOUD, PREMISES):
        assert "canary" not in repr(JtlSettings.model_validate(given))
