"""Images by their content."""

from __future__ import annotations

from pathlib import Path

import pytest

from mappings.image import image_format


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "jpg"),
        (b"GIF87a...", "gif"),
        (b"GIF89a...", "gif"),
        (b"\x89PNG\r\n\x1a\n...", "png"),
        (b"BM....", "bmp"),
        (b"\x89PNG\n\x1a\n", None),
        (b"RIFF....WEBP", None),
        (b"", None),
    ],
)
def test_the_content_decides(tmp_path: Path, content: bytes, expected: str | None) -> None:
    """The first bytes say what an image is, whatever the file is called."""
    file = tmp_path / "image.png"
    file.write_bytes(content)
    assert image_format(file) == image_format(content) == expected
