"""JTL-Wawi's customers, ERP REST API 1.x, in the cloud and on premises."""

from connectors.jtl.settings import JtlSettings, JtlSourceSettings
from connectors.protocol import IdTarget, Source
from connectors.settings import Surroundings

__all__ = ["JtlSettings", "JtlSourceSettings", "SourceSettings", "TargetSettings", "make_source", "make_target"]

SourceSettings = JtlSourceSettings
TargetSettings = JtlSettings


def make_source(settings: JtlSourceSettings, _surroundings: Surroundings) -> Source:
    """Make the source of a job."""
    from connectors.jtl.source import JtlSource

    return JtlSource(settings)


def make_target(settings: JtlSettings, _surroundings: Surroundings) -> IdTarget:
    """Make the target of a job."""
    from connectors.jtl.target import JtlTarget

    return JtlTarget(settings)
