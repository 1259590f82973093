"""Runs one job again and again in this process, as a service would, and tells after each run what it has taken so far.

`python -m tests.soak.work JOB SECONDS` is started by `python -m tests.soak`, and ends when its input is closed.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

from flows.job import load_job
from flows.run import run_job
from flows.state import open_ledger
from flows.watch import Watch


def rss_mib() -> float:
    """Tell how much memory this process has now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def work(job: Path, pause: float, ended: threading.Event) -> None:
    """Run the job until it is told to end."""
    notices: list[str] = []
    while not ended.wait(pause):
        loaded = load_job(job, os.environ)
        ledger = open_ledger(loaded, os.environ)
        try:
            summary = asyncio.run(run_job(loaded, ledger, Watch(on_notice=notices.append)))
        finally:
            ledger.close()
        notices.clear()
        gc.collect()  # what is left then is held by somebody
        counts = summary.counts
        told = {
            "exit_code": int(summary.exit_code),
            "extracted": counts.extracted,
            "sent": counts.created + counts.updated,
            "rejected": counts.rejected,
            "seconds": summary.seconds,
            "rss_mib": round(rss_mib(), 1),
            "files": len(list(Path("/proc/self/fd").iterdir())),
            "threads": threading.active_count(),
        }
        print(json.dumps(told), flush=True)


def main() -> None:
    """Work until the input is closed."""
    ended = threading.Event()

    def await_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=await_end, daemon=True).start()
    work(Path(sys.argv[1]), float(sys.argv[2]), ended)


if __name__ == "__main__":
    main()
