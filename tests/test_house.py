"""What the whole house holds to."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = {"protocol", "quantity", "settings", "sandbox"}  # types, and the sandboxes themselves


def test_no_connector_is_open_to_sandboxes() -> None:
    """The rule that sandboxes and connectors share no rule names every module of connectors."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (rule,) = [each for each in contracts if each["name"] == "Sandboxes and connectors share no rule"]
    found = {
        path.stem for path in (ROOT / "connectors").iterdir() if path.suffix in {"", ".py"} and path.stem[0] != "_"
    }
    assert {f"connectors.{name}" for name in found - SHARED} <= set(rule["forbidden_modules"])
