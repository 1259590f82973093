"""Keypro's customers (the larger of the two schemas that the vendor's pages show)."""

from connectors.keypro.settings import KeyproSettings, KeyproSourceSettings
from connectors.protocol import IdTarget, Source
from connectors.settings import Surroundings

__all__ = ["KeyproSettings", "KeyproSourceSettings", "SourceSettings", "TargetSettings", "make_source", "make_target"]

SourceSettings = KeyproSourceSettings
TargetSettings = KeyproSettings


def make_source(settings: KeyproSourceSettings, surroundings: Surroundings) -> Source:
    """Make the source of a job."""
    from connectors.keypro.source import KeyproSource

    return KeyproSource(settings, surroundings.properties)


def make_target(settings: KeyproSettings, surroundings: Surroundings) -> IdTarget:
    """Make the target of a job."""
    from connectors.keypro.target import KeyproTarget

    return KeyproTarget(settings, surroundings.properties)
