"""An event loop whose clock jumps to the next timer, so that minutes of pauses pass in no time and in exact order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what is ready, and moves its own clock when nothing is."""

    _now = 0.0

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]  # asyncio's own, there is no public way
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]  # the same
        super()._run_once()  # type: ignore[misc]  # the same


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to completion in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def clock() -> float:
    """Tell the virtual time of the running loop."""
    return asyncio.get_running_loop().time()
