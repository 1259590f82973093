"""Valomnia's customers, REST API "Version 2.1"."""

from connectors.protocol import Source, Target
from connectors.settings import Surroundings
from connectors.valomnia.settings import ValomniaSettings, ValomniaSourceSettings

__all__ = [
    "SourceSettings",
    "TargetSettings",
    "ValomniaSettings",
    "ValomniaSourceSettings",
    "make_source",
    "make_target",
]

SourceSettings = ValomniaSourceSettings
TargetSettings = ValomniaSettings


def make_source(settings: ValomniaSourceSettings, _surroundings: Surroundings) -> Source:
    """Make the source of a job."""
    from connectors.valomnia.source import ValomniaSource

    return ValomniaSource(settings)


def make_target(settings: ValomniaSettings, _surroundings: Surroundings) -> Target:
    """Make the target of a job."""
    from connectors.valomnia.target import ValomniaTarget

    return ValomniaTarget(settings)
