"""Takes the pictures of the documentation: `python tests/screenshots.py` writes `docs/images/*.png`.

Needs Chromium, ChromeDriver and a Chinese font: `apt-get install chromium chromium-driver fonts-noto-cjk`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from browser import HEIGHT, WIDTH, browser
from PIL import Image
from served import served

from oncogate.server.settings import Settings

COLOURS = 250
"""Colours of a picture: enough for text and tints, and under half of the bytes."""

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"

PICTURES: Mapping[str, str] = {
    "screen-blocked": "/?patient=no-consent&signed=1",
    "screen-near-miss": "/?patient=near-miss-consent&signed=1",
    "screen-allowed": "/?patient=no-consent&signed=1&done=sign-consent",
    "screen-english": "/?patient=not-supplied&signed=1&lang=en",
    "screen-rules": "/rules?patient=not-supplied&signed=1",
    "screen-rule": "/rules/core/anc-below-start-limit?patient=anc-below-limit&signed=1",
}
"""The pictures by name, each with the address that it shows."""


def take(driver: Any, address: str) -> None:
    """Open an address and wait until its fonts and files are there."""
    driver.get(address)
    driver.execute_async_script("document.fonts.ready.then(arguments[0])")


def main() -> int:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with served(Settings()) as client, browser(width=WIDTH, height=HEIGHT) as driver:
        for name, path in PICTURES.items():
            take(driver, f"{client.base_url}".rstrip("/") + path)
            picture = Image.open(BytesIO(driver.get_screenshot_as_png()))
            picture.convert("RGB").quantize(COLOURS, kmeans=3).save(FOLDER / f"{name}.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
