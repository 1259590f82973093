"""Names the sandboxes there are, and what a job file needs to sign in to each; a vendor is loaded on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.journal import Journal

SYSTEMS: Mapping[str, str] = {"valomnia": "Valomnia"}
"""The systems by their kind in a job file, with the vendors' spelling."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A sandbox ready to be served; `credentials` are keys of a job's `target`, beside `kind` and `base_url`."""

    app: SandboxApp
    credentials: Mapping[str, str]


def open_sandbox(system: str, *, faults: Faults | None = None, journal: Journal | None = None) -> Opened:
    """Make a sandbox with the vendor's defaults; raises LookupError for a system that has none."""
    match system:
        case "valomnia":
            from connectors.sandbox.valomnia.setting import ValomniaSettings
            from connectors.sandbox.valomnia.vendor import valomnia_app

            settings = ValomniaSettings()
            return Opened(valomnia_app(settings, faults=faults, journal=journal), settings.credentials)
        case _:
            raise LookupError(f"there is no sandbox of {system}")
