"""A headless Chromium that opens pages of this machine, gives their text as a person reads it, and takes pictures."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--window-size=1280,1060",
)
_PATIENCE_SECONDS = 60.0
_TURN_SECONDS = 0.25
_REST_SECONDS = 3.0  # until what the UI draws in motion has come to rest


@dataclass(frozen=True, slots=True)
class Browser:
    """One window."""

    driver: Chrome
    address: str

    def open(self, path: str, *texts: str) -> str:
        """Open a page and wait until all of these texts stand on it; gives the whole text."""
        self.driver.get(f"{self.address}{path}")
        return self.await_text(*texts)

    def await_text(self, *texts: str) -> str:
        """Wait until all of these texts stand on the page; gives the whole text."""
        return self.await_that(lambda text: all(each in text for each in texts), " and ".join(texts))

    def await_that(self, true: Callable[[str], bool], what: str) -> str:
        """Wait until something is true of the page's text; gives the text, and raises TimeoutError with it."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not true(text := self.text):
            if time.monotonic() > end:
                raise TimeoutError(f"the page does not show {what}; it shows:\n{text}")
            time.sleep(_TURN_SECONDS)
        return text

    @property
    def text(self) -> str:
        """The text that a person reads on the page."""
        try:
            return self.driver.find_element(By.TAG_NAME, "body").text
        except StaleElementReferenceException:  # it was drawn anew just now
            return ""

    def rows(self) -> list[list[str]]:
        """Read the cells of the table on the page, row by row."""
        rows = self.driver.find_elements(By.CSS_SELECTOR, "tbody tr")
        return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]

    def resize(self, width: int, height: int) -> None:
        """Make the page so many pixels wide and high; the window's own frame comes on top."""
        frame = self.driver.execute_script("return window.outerHeight - window.innerHeight")
        self.driver.set_window_size(width, height + int(frame))

    def picture(self, file: Path) -> None:
        """Save what the window shows."""
        time.sleep(_REST_SECONDS)
        self.driver.save_screenshot(str(file))


@contextmanager
def browser(address: str, folder: Path) -> Iterator[Browser]:
    """Open a window for the length of the block; skips, or fails, where there is no Chromium."""
    program, driver = demand_browser()
    options = ChromeOptions()
    options.binary_location = program
    for each in (*_OPTIONS, f"--user-data-dir={folder / 'chromium'}"):
        options.add_argument(each)
    window = Chrome(options=options, service=Service(driver))
    try:
        window.set_page_load_timeout(_PATIENCE_SECONDS)
        yield Browser(window, address)
    finally:
        window.quit()


def demand_browser() -> tuple[str, str]:
    """Find Chromium and its driver; skips, or fails, where there is none."""
    return _find(*_NAMES), _find("chromedriver")


def _find(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        reason = f"no {names[0]} is installed"
        if os.environ.get("ROLLCALL_TEST_SERVERS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
