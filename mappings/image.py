"""What an image is and where it may come from: a file of the job's folder, an address of a named host, or its bytes.

What kind it is, its first bytes say; names and endings are not believed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

from mappings.value import ConversionError

SIGNATURES: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "jpg",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
    b"\x89PNG\r\n\x1a\n": "png",
    b"BM": "bmp",
}
_LONGEST_SIGNATURE = 8


class UnsafePathError(ConversionError):
    """A record names a file that the job may not read."""


class UnsafeAddressError(ConversionError):
    """A record names an address that the job may not ask."""


@dataclass(frozen=True, slots=True)
class ImagePlace:
    """Where images may come from: files beneath a folder, and hosts by their names, with a port where it is not 443."""

    folder: Path = Path()
    hosts: frozenset[str] = frozenset()

    def find(self, value: object) -> object:
        """Turn a text into a path or an address, and a driver's bytes into `bytes`; leaves other values alone.

        Raises UnsafePathError and UnsafeAddressError, so that no record can have anything else read or asked.
        """
        match value:
            case str() if "://" in value:
                return self._address(value)
            case str():
                return self._path(value)
            case bytearray() | memoryview():
                return bytes(value)
            case _:
                return value

    def _path(self, name: str) -> Path:
        try:
            path = (self.folder / name).resolve()
        except (OSError, ValueError):  # too long, or holds a NUL
            raise UnsafePathError("names no file") from None
        if not path.is_relative_to(self.folder.resolve()):
            raise UnsafePathError("lies outside the folder of the job")
        return path

    def _address(self, text: str) -> URL:
        try:
            url = URL(text)
            host, port = url.host or "", url.port
        except ValueError:
            raise UnsafeAddressError("is no address") from None
        if url.user is not None or url.password is not None:
            raise UnsafeAddressError("carries credentials")
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
            raise UnsafeAddressError("does not begin with https://")
        if (host if url.is_default_port() else f"{host}:{port}") not in self.hosts:
            raise UnsafeAddressError("its host is not among target.image_hosts")
        return url.with_fragment(None)


def image_format(content: Path | bytes) -> str | None:
    """Return jpg, gif, png or bmp, None for anything else; raises OSError where a file cannot be read."""
    if isinstance(content, bytes):
        start = content[:_LONGEST_SIGNATURE]
    else:
        with content.open("rb") as file:
            start = file.read(_LONGEST_SIGNATURE)
    return next((name for signature, name in SIGNATURES.items() if start.startswith(signature)), None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
