"""Who may call a JTL-Wawi sandbox, and every point where the vendor's pages leave it open how the server behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class JtlSettings:
    """Each default marked *inferred* is our reading of the vendor's pages or of public clients, not the vendor's word.

    Who may call, and where:

    - `client_id`, `client_secret`: who gets a token; `tenant_id`: the UUID of the one tenant there is.
    - `api_key`: on premises, `Authorization: Wawi <key>` instead of tokens, and no tenant header (None: the cloud).
    - `token_seconds`: how long a token lives, told as `expires_in` (inferred: an hour; one revision of the guide has
      an hour, another a day).
    - `prefix`: before every path but the token's, such as `/erp` or `/api/eazybusiness`.
    - `api_versions`: what the `api-version` header may ask for; any other is a 400 (inferred).
    - `licensed`: without a licence every request to the API is a 402.
    - `scopes_missing`: scopes that the app was not given; an operation that has none of its scopes left is a 403.
    - `missing_tenant_status`: of a request without `x-tenant-id` (inferred: 401; the guide says 401 here, 412 there).
    - `requires_app`: `x-appid` and `x-appversion` must be there (inferred: off; the newest pages show neither).
    - `missing_app_status`: where they must, and are not (inferred: 400; the guide has 412 for missing headers).
    - `refusals_have_body`: 401, 402 and 403 come with an ErrorResponse (inferred: off; the pages show no body).

    What a write may say:

    - `unknown_properties`: properties that the model does not have; "refuse" answers 400, "ignore" takes no notice
      (inferred: refuse, which shows misspelt names).
    - `null_clears`: null in an update takes the value away; off, it is as if it were not there (inferred: on).
    - `accepts_dates`: a date-time may be a date alone (inferred: on; the sample of Birthday is cut behind the date).
    - `takes_last_change`: LastChange is saved as sent; off, it is checked and the server's own time is saved
      (inferred: off; the page lists it in the body and describes it as the time of the last change).
    - `duplicate_number`: a Number that another customer bears is refused as CONFLICT with 409, as a validation error
      with 400, or allowed (inferred: 409, the guide's status for conflicts).

    What a list may ask:

    - `page_size`: where `pageSize` is not given; `page_size_limit`: a larger one is lowered to it (both inferred).
    - `last_change_filter`: there are `lastChangeFrom` and `lastChangeTo` (inferred: on; a public client uses them, the
      vendor's file of May 2025 lacks them); off, they are unknown parameters.
    - `unknown_parameters`: query parameters that a read or a deletion does not have (inferred: ignore).
    """

    client_id: str = "sandbox"
    client_secret: str = field(default="sandbox", repr=False)
    tenant_id: str = "6c1f6a52-3f0e-4a57-9d7b-2f4f0f6f9a10"
    api_key: str | None = field(default=None, repr=False)
    token_seconds: int = 3600
    prefix: str = ""
    api_versions: tuple[str, ...] = ("1.0", "1.1", "1.3", "1.4")
    licensed: bool = True
    scopes_missing: frozenset[str] = frozenset()
    missing_tenant_status: Literal[400, 401, 412] = 401
    requires_app: bool = False
    missing_app_status: Literal[400, 412] = 400
    refusals_have_body: bool = False
    unknown_properties: Literal["refuse", "ignore"] = "refuse"
    null_clears: bool = True
    accepts_dates: bool = True
    takes_last_change: bool = False
    duplicate_number: Literal["400", "409", "allow"] = "409"
    page_size: int = 100
    page_size_limit: int = 1000
    last_change_filter: bool = True
    unknown_parameters: Literal["refuse", "ignore"] = "ignore"

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a job file says to sign in; `{base_url}` stands for the address that the sandbox gets."""
        if self.api_key is not None:
            return {"api_key": self.api_key}
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "token_url": "{base_url}/oauth2/token",
            "tenant_id": self.tenant_id,
        }
