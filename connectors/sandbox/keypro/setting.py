"""Who may call a Keypro sandbox, and every point where the vendor's pages leave it open how the server behaves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.sandbox.keypro.constant import CONSTANTS, Constant
from connectors.sandbox.keypro.field import FIELDS, READ_ONLY, Kind

CONSTANT_GROUPS: Mapping[str, str] = {
    "Type": "customertype",
    "Status": "customerstatus",
    "Language": "language",
    "RestrictedType": "restrictedtype",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyproSettings:
    """Each default marked *inferred* is our reading of the vendor's pages or of their framework, not the vendor's word.

    Fields are named here as in `field.FIELDS`, whatever `names` calls them on the wire; raises ValueError for others.

    - `token`: the one that is let in, behind `Token ` (documented, with the word and the one space).
    - `prefix`: what comes before `/customers/`, such as `/api/v2` (inferred: nothing; base URLs are not documented).
    - `names`: JSON keys that differ from the candidate names (inferred: none; the pages' names are lost).
    - `kinds`: types that differ from the likely ones, for what may be text or a number (inferred: none).
    - `required`: fields that a create must have and that are never null or blank (inferred: none; none is documented).
    - `max_length`: the most characters of a text (inferred: None, no limit; none is documented).
    - `trims_text`: text loses the blanks around it (inferred: the framework's default).
    - `unknown_properties`: of a body; "refuse" answers 400 (inferred: refuse, which shows misspelt names).
    - `read_only`: what writing `id` or the modified time does; "refuse" answers 400 (inferred: ignore, the framework's
      way).
    - `unique_number`: a second customer of the same number is refused with this status, or "off" lets it in (inferred:
      400). Customers without a number never collide.
    - `reference_field`: the field that names a customer in the journal and in forced faults.
    - `constants`, `constant_groups`: the entries, and the group whose ids a field must take (inferred throughout).
    - `default_limit`, `max_limit`: of a page; a larger `limit` is lowered (inferred: both are settings of the vendor's
      environments as well, without figures).
    - `envelope`: around a list; "documented" is Next, Prev, Results as printed, "lower" is next, previous, results,
      count, "sibling" is Next, Previous, Results, Total as on one other page, "bare" is the array alone, which ends
      with a short page (inferred: documented).
    - `filters_in_links`: links to other pages repeat the filters (inferred: on).
    - `masked`: restricted types whose customers show protected fields as null, to answers, filters and orders alike
      (inferred: none; what the protection does is not documented).
    """

    token: str = field(default="5a" * 20, repr=False)
    prefix: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    max_length: int | None = None
    trims_text: bool = True
    unknown_properties: Literal["refuse", "ignore"] = "refuse"
    read_only: Literal["ignore", "refuse"] = "ignore"
    unique_number: Literal["off", "400", "409"] = "400"
    reference_field: str = "customerNumber"
    constants: tuple[Constant, ...] = CONSTANTS
    constant_groups: Mapping[str, str] = field(default_factory=lambda: CONSTANT_GROUPS)
    default_limit: int = 100
    max_limit: int = 1000
    envelope: Literal["documented", "lower", "sibling", "bare"] = "documented"
    filters_in_links: bool = True
    masked: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names of fields that there are not, and keys that two fields would share."""
        for given in (self.names, self.kinds, self.required, (self.reference_field,), self.constant_groups):
            _check_known(given)
        if READ_ONLY & {*self.kinds, *self.required, self.reference_field}:
            raise ValueError("id and dateModified are the server's own: no request can be asked for them")
        if "moment" in self.kinds.values():
            raise ValueError("no request holds a date and time")
        keys = set(self.keys.values())
        if len(keys) < len(FIELDS) or not all(keys) or any("__" in key or "," in key for key in keys):
            raise ValueError("each field needs a key of its own, without a comma or a double underscore")
        if self.prefix and (not self.prefix.startswith("/") or self.prefix.endswith("/")):
            raise ValueError("the prefix begins with a slash and ends without one")

    @property
    def keys(self) -> Mapping[str, str]:
        """The JSON key of every field, in the documented order."""
        return {name: self.names.get(name, name) for name in FIELDS}

    @property
    def credentials(self) -> Mapping[str, str]:
        """What a job file says to be let in."""
        return {"token": self.token}


def _check_known(names: Iterable[str]) -> None:
    unknown = sorted(set(names) - FIELDS.keys())
    if unknown:
        raise ValueError(f"a customer has no field {', '.join(unknown)}")
