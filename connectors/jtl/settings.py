"""What a job file says about a JTL-Wawi server; never shows a secret, not even in its own errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from connectors.moment import Duration
from connectors.settings import ApiSettings, Settling, TargetSettings


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _for_a_header(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or text != text.strip():
        raise ValueError("must be plain printable text, without blanks around it")
    return value


HeaderText = Annotated[str, Field(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?$")]


class Access(ApiSettings):
    """Where the ERP is and who signs in: `client_id` and `client_secret` in the cloud, `api_key` on premises.

    Inferred: `path` (the pages of 1.3 and 1.4 list `/v1/customers` beside `/customers`), and that the headers of the
    app and its user may be left out (the newest pages show only the token and the tenant).
    """

    kind: Literal["jtl"]
    base_url: Annotated[str, Field(min_length=1, description="such as https://api.jtl-cloud.com/erp")]
    client_id: Annotated[str | None, Field(min_length=1, repr=False, description="who signs in, in the cloud")] = None
    client_secret: Annotated[SecretStr | None, Field(min_length=1, description="the secret of who signs in")] = None
    token_url: Annotated[str, Field(min_length=1, description="where tokens are handed out, in the cloud")] = (
        "https://auth.jtl-cloud.com/oauth2/token"  # noqa: S105 - an address
    )
    scope: Annotated[str | None, Field(min_length=1, description="the scope to ask for, if any")] = None
    api_key: Annotated[
        Annotated[SecretStr, AfterValidator(_for_a_header)] | None, Field(description="who signs in, on premises")
    ] = None
    tenant_id: Annotated[HeaderText | None, Field(description="the tenant, in the cloud (x-tenant-id)")] = None
    app_id: Annotated[HeaderText | None, Field(description="the app's name, such as MyApp/1.0.0 (x-appid)")] = None
    app_version: Annotated[HeaderText | None, Field(description="the app's version (x-appversion)")] = None
    run_as: Annotated[
        Annotated[HeaderText, BeforeValidator(_number_as_text)] | None,
        Field(description="the user on whose behalf requests are made (x-runas)"),
    ] = None
    api_version: Annotated[HeaderText | None, Field(description="such as 1.0; without it the newest")] = None
    path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$", description="where customers are")] = (
        "/customers"
    )

    @model_validator(mode="after")
    def _one_way_to_sign_in(self) -> Self:
        if self.api_key is not None and (self.client_id, self.client_secret) != (None, None):
            raise ValueError("give client_id and client_secret (cloud) or api_key (on premises), not both")
        if self.api_key is None and self.client_id is None and self.client_secret is None:
            raise ValueError("give client_id and client_secret (cloud) or api_key (on premises)")
        if self.api_key is None and (self.client_id is None or self.client_secret is None):
            raise ValueError("client_id and client_secret go together")
        return self


class JtlSettings(Access, TargetSettings):
    """JTL-Wawi as a target, and how hard it may be pressed.

    Inferred: `settling`, how long a customer that was just written may stay invisible to look-ups.
    """

    settling: Annotated[Settling, Field(description="how long what was written may stay invisible, such as 5s")] = 5.0


class JtlSourceSettings(Access):
    """JTL-Wawi as a source, read as a whole, or by last change where the server can filter by it.

    Inferred: `last_change_filter`. A public client uses `lastChangeFrom`; the vendor's file of API 1.0 lacks it.
    """

    last_change_filter: Annotated[bool, Field(description="whether the server knows lastChangeFrom")] = False
    overlap: Annotated[Duration, Field(description="how far back to look again")] = timedelta(minutes=10)
