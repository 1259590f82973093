"""Valomnia's customers, REST API "Version 2.1"."""

from connectors.valomnia.settings import ValomniaSettings, ValomniaSourceSettings
from connectors.valomnia.target import ValomniaTarget

__all__ = ["ValomniaSettings", "ValomniaSourceSettings", "ValomniaTarget"]
