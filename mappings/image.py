"""What kind of image a file really is, by its first bytes; names and endings are not believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SIGNATURES: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "jpg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"\x89PNG\r\n\x1a\n": "png",
    b"BM": "bmp",
}


def image_format(path: Path) -> str | None:
    """Return jpg, gif, png or bmp, None for anything else; raises OSError where the file cannot be read."""
    with path.open("rb") as file:
        start = file.read(8)
    return next((name for signature, name in SIGNATURES.items() if start.startswith(signature)), None)
