"""Names the sandboxes there are, and what a job file needs to sign in to each; a vendor is loaded on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults
from connectors.sandbox.journal import Journal

SYSTEMS: Mapping[str, str] = {"valomnia": "Valomnia", "keypro": "Keypro", "jtl": "JTL-Wawi", "tradevest": "tradevest"}
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
        case "keypro":
            from connectors.sandbox.keypro.setting import KeyproSettings
            from connectors.sandbox.keypro.vendor import keypro_app

            keypro = KeyproSettings()
            return Opened(keypro_app(keypro, faults=faults, journal=journal), keypro.credentials)
        case "jtl":
            from connectors.sandbox.jtl.setting import JtlSettings
            from connectors.sandbox.jtl.vendor import jtl_app

            jtl = JtlSettings()
            return Opened(jtl_app(jtl, faults=faults, journal=journal), jtl.credentials)
        case "tradevest":
            from connectors.sandbox.tradevest.setting import TradevestSettings
            from connectors.sandbox.tradevest.vendor import tradevest_app

            tradevest = TradevestSettings()
            return Opened(tradevest_app(tradevest, faults=faults, journal=journal), tradevest.credentials)
        case _:
            raise LookupError(f"there is no sandbox of {system}")
