"""Permission to run code of other people: for all of it, for none, or by digest."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["CodeRefused", "TrustCode", "as_permission", "check_permission", "may_run"]

TrustCode = bool | Collection[str]
"""Permission to run code: for all (True), for none (False), or for the code of these SHA-256 digests."""


class CodeRefused(ValueError):
    """Code that may not run: permission was not given.

    Attributes
    ----------
    digest : str
        SHA-256 of the code.
    """

    def __init__(self, words: str, digest: str):
        super().__init__(words)
        self.digest = digest


def as_permission(trust_code: TrustCode) -> bool | frozenset[str]:
    """Return a permission in a form that can be compared and sent to other processes; a str is one digest."""
    if isinstance(trust_code, bool):
        return trust_code
    return frozenset([trust_code] if isinstance(trust_code, str) else trust_code)


def may_run(trust_code: TrustCode, digest: str) -> bool:
    """Return whether a permission covers the code of a digest."""
    allowed = as_permission(trust_code)
    return allowed if isinstance(allowed, bool) else digest in allowed


def check_permission(trust_code: TrustCode, digest: str, words: str) -> None:
    """Raise `CodeRefused` unless a permission covers the code of a digest.

    Parameters
    ----------
    trust_code : bool or collection of str
    digest : str
    words : str
        What permission is expected for: ``"to run net.py, …"``.
    """
    if may_run(trust_code, digest):
        return
    if not trust_code:
        raise CodeRefused(
            f"expected permission {words}, got none. It may do anything: if you trust whoever made it, --trust-code on the "
            "command line or trust_code=True",
            digest,
        )
    raise CodeRefused(
        f"expected permission {words}, got it for other code: this one, SHA-256 {digest[:16]}…, is new or has changed",
        digest,
    )
