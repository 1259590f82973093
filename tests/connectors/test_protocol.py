"""The border types say of themselves what is true."""

from __future__ import annotations

import inspect
import pickle

import pytest

from connectors import protocol
from connectors.protocol import ConnectorError, ThrottledError, TransientError

_INDENT = 4


def _drawn() -> set[tuple[str, str]]:
    """Read the pairs (class, parent) from the tree in the module's docstring."""
    pairs = set()
    above: list[str] = []
    for line in (protocol.__doc__ or "").splitlines():
        drawing, _, name = line.rstrip().partition("── ")
        if name:
            depth = len(drawing) // _INDENT
            above[depth:] = [name.split()[0]]
            pairs.add((above[depth], above[depth - 1]))
        elif line.strip() == "ConnectorError":
            above = ["ConnectorError"]
    return pairs


def test_error_tree_in_the_docstring_is_that_of_the_classes() -> None:
    """Every error stands in the drawn tree under its parent, and nothing else does."""
    classes = {
        (member.__name__, member.__base__.__name__)
        for _, member in inspect.getmembers(protocol, inspect.isclass)
        if issubclass(member, ConnectorError) and member is not ConnectorError and member.__base__ is not None
    }

    assert _drawn() == classes


@pytest.mark.parametrize("kind", [TransientError, ThrottledError])
def test_a_delay_survives_pickling_and_stays_out_of_the_text(kind: type[TransientError]) -> None:
    """Errors cross process borders with their delay, and their text is the message alone."""
    error = pickle.loads(pickle.dumps(kind("valomnia: upsert: status 503", 2.5)))

    assert (type(error), str(error), error.delay_seconds) == (kind, "valomnia: upsert: status 503", 2.5)
