"""The operator's page names every code of a reject, and no other."""

from __future__ import annotations

import ast

from mappings.finding import CODES
from mappings.system import load_system, system_names
from tests.docs.page import OPERATOR, ROOT, first_column


def connector_codes() -> set[str]:
    """List the codes of the refusals that connectors word themselves."""
    files = [path for path in (ROOT / "connectors").rglob("*.py") if "sandbox" not in path.parts]
    calls = [
        node
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal"
    ]
    words = [node for call in calls for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
    return {str(node.value) for node in words}


def test_every_code_is_documented() -> None:
    """The operator's table of codes has ours, the systems' and the connectors', each once, and no other."""
    systems = [load_system(name) for name in system_names()]
    expected = set(CODES) | connector_codes() | {code for system in systems for code in system.codes}
    documented = first_column(OPERATOR, "code", "means", "to do")
    assert set(documented) == expected
    assert len(documented) == len(expected)
