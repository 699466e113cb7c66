"""A headless Chromium, as Debian packages it, for tests of what a person does on the screen."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "needs Chromium and ChromeDriver: `apt-get install chromium chromium-driver`"
WIDTH, HEIGHT = 1366, 768

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


@contextlib.contextmanager
def browser(*, scripts: bool = True, width: int = WIDTH, height: int = HEIGHT) -> Iterator[Any]:
    """A browser with a profile of its own, at the size of a ward's old screen; without its scripts on demand."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip(MISSING)
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="needs selenium, which the extra `dev` brings"
    )
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for option in (*OPTIONS, f"--user-data-dir={Path(profile) / 'chromium'}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not scripts:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2}
            )
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        try:
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.set_page_load_timeout(30)
            yield driver
        finally:
            driver.quit()
