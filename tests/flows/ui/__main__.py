"""Takes the pictures of the operator's page anew: `python -m tests.flows.ui` writes them into docs/picture."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.flows.ui.browser import browser
from tests.flows.ui.picture import take_pictures
from tests.flows.ui.stage import stage


def main() -> None:
    """Set the stage, open a window and take the pictures."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with stage(folder / "stage") as staged, browser(staged.address, folder) as window:
            take_pictures(staged, window, Path(__file__).parents[3] / "docs" / "picture")


if __name__ == "__main__":
    main()
