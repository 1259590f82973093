"""Makes the opaque cursors of tradevest's lists: nobody else can make one, or take one into another list."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_POSITION_BYTES = 8
_SEAL_BYTES = 16


class CursorMint:
    """Turns the number of a customer into a cursor that stands behind it, and back."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def make(self, number: int, filters: str) -> str:
        """Make a cursor behind the customer of this number, for lists with these filters alone."""
        position = number.to_bytes(_POSITION_BYTES)
        seal = self._seal(position, filters)
        return base64.urlsafe_b64encode(seal + self._mask(position, seal)).decode()

    def read(self, cursor: str, filters: str) -> int | None:
        """Read a cursor; None where it is not ours, or is of a list with other filters."""
        try:
            raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        seal, masked = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
        if len(masked) != _POSITION_BYTES:
            return None
        position = self._mask(masked, seal)
        return int.from_bytes(position) if hmac.compare_digest(seal, self._seal(position, filters)) else None

    def _seal(self, position: bytes, filters: str) -> bytes:
        return self._digest(b"seal" + position + filters.encode())[:_SEAL_BYTES]

    def _mask(self, position: bytes, seal: bytes) -> bytes:
        return bytes(left ^ right for left, right in zip(position, self._digest(b"mask" + seal), strict=False))

    def _digest(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, hashlib.sha256)
