"""tradevest's customers, `roles/customers`."""

from connectors.protocol import IdTarget, Source
from connectors.settings import Surroundings
from connectors.tradevest.settings import TradevestSettings, TradevestSourceSettings

__all__ = [
    "SourceSettings",
    "TargetSettings",
    "TradevestSettings",
    "TradevestSourceSettings",
    "make_source",
    "make_target",
]

SourceSettings = TradevestSourceSettings
TargetSettings = TradevestSettings


def make_source(settings: TradevestSourceSettings, _surroundings: Surroundings) -> Source:
    """Make the source of a job."""
    from connectors.tradevest.source import TradevestSource

    return TradevestSource(settings)


def make_target(settings: TradevestSettings, _surroundings: Surroundings) -> IdTarget:
    """Make the target of a job."""
    from connectors.tradevest.target import TradevestTarget

    return TradevestTarget(settings)
