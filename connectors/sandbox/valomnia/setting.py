"""Who may call a Valomnia sandbox, and every point where the vendor's page leaves it open how the server behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ValomniaSettings:
    """Each default marked *inferred* is our reading of the vendor's page or of public clients, not the vendor's word.

    - `username`, `password`: who may log in.
    - `organization`: the name in answers and in logo addresses.
    - `no_credentials_status`: of `no_credentials` (inferred: 401; public clients look at the code alone).
    - `accepts_bearer`: the login's token as `Authorization: Bearer` does as well as the cookie (inferred; one public
      client sends both).
    - `always_201`: an upsert that updated answers 201 too (inferred: off; the page shows 200 under update and 201
      under upsert, for the same method and path).
    - `image_limit_bytes`: the page says "2Mo" (inferred: mebibytes).
    - `page_limit`: the most that `max` may ask for; a larger one is lowered (inferred: None, no limit).
    - `filters_in_next`: `paging.next` repeats the filters (inferred: off; the sample shows the four paging keys).
    - `href_version`: the version in links (inferred: None, the caller's; the samples show v1.0 under "Version 2.1").
    - `geographical_locations`: answers have a `region`, and `regionId` counts.
    - `children_block_delete`: a parent customer cannot be deleted, `delete_failed` (inferred).
    - `unknown_parameters`: parameters of a write that its page does not list; "refuse" answers `invalid_param` as the
      list does, "ignore" takes no notice (inferred: refuse, which shows misspelt names).
    - `trims_text`: text loses the blanks around it, and blank text is no text (inferred: Grails' own data binding).
    """

    username: str = "sandbox"
    password: str = field(default="sandbox", repr=False)
    organization: str = "entity1"
    no_credentials_status: int = 401
    accepts_bearer: bool = True
    always_201: bool = False
    image_limit_bytes: int = 2 * 1024 * 1024
    page_limit: int | None = None
    filters_in_next: bool = False
    href_version: str | None = None
    geographical_locations: bool = True
    children_block_delete: bool = True
    unknown_parameters: Literal["refuse", "ignore"] = "refuse"
    trims_text: bool = True

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a job file says to sign in."""
        return {"username": self.username, "password": self.password}
