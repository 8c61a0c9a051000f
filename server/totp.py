"""The second factor: RFC 6238 with SHA-1, six digits, 30 s, which is what authenticator apps speak."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_S, DIGITS = 30, 6  # RFC 6238 section 5.2, and what apps assume
DRIFT = 1  # steps to either side: section 5.2 recommends one
KEY_BYTES = 20  # RFC 4226 section 4, R6


def new_key() -> str:
    return base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()


def code(key: str, step: int, digits: int = DIGITS) -> str:
    """RFC 4226 section 5.3."""
    digest = hmac.digest(base64.b32decode(key), step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    value = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{value % 10**digits:0{digits}}"


def step_of(key: str, given: str, now_s: float) -> int | None:
    """The step that this code is of; None: of none that is now."""
    given = "".join(given.split())
    now = int(now_s // STEP_S)
    steps = range(max(0, now - DRIFT), now + DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(code(key, step).encode(), given.encode())), None)


def link(key: str, email: str) -> str:
    """What an authenticator app opens."""
    return f"otpauth://totp/{quote(f'hiprep:{email}')}?{urlencode({'secret': key, 'issuer': 'hiprep'})}"
