"""Valomnia's customers, REST API "Version 2.1"."""

from connectors.valomnia.settings import ValomniaSettings
from connectors.valomnia.target import ValomniaTarget

__all__ = ["ValomniaSettings", "ValomniaTarget"]
