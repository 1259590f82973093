"""Takes the pictures of the operator's page, each of what a person would look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.flows.ui.browser import Browser
from tests.flows.ui.stage import GOOD, Stage


def _run(staged: Stage, window: Browser) -> None:
    window.open(staged.run_page(staged.completed), "run 1 of")


def _summary(staged: Stage, window: Browser) -> None:
    window.open(staged.artifact_page(f"{GOOD}-run"), "slowest page")


def _rejects(staged: Stage, window: Browser) -> None:
    window.open(staged.artifact_page(f"{GOOD}-rejects"), "missing_param")


def _failed(staged: Stage, window: Browser) -> None:
    window.open(f"{staged.run_page(staged.failed)}?tab=Details", "State Message", "password refused")


def _deployment(staged: Stage, window: Browser) -> None:
    window.open(f"/deployments/deployment/{staged.deployments[GOOD]}?tab=Upcoming", "Scheduled for")


WIDTH = 1500
# Each picture with its height, and what is looked at.
PICTURES: Mapping[str, tuple[int, Callable[[Stage, Browser], None]]] = {
    "flow-run.png": (660, _run),
    "summary.png": (1180, _summary),
    "rejects.png": (460, _rejects),
    "failed-run.png": (880, _failed),
    "deployment.png": (530, _deployment),
}


def take_pictures(staged: Stage, window: Browser, folder: Path) -> None:
    """Take every picture, into files of a folder."""
    folder.mkdir(exist_ok=True)
    for name, (height, look) in PICTURES.items():
        window.resize(WIDTH, height)
        look(staged, window)
        window.picture(folder / name)
