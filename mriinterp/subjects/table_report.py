"""Report of all findings on a table or a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

__all__ = ["LEVELS", "Finding", "Report"]

LEVELS = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One thing found: how bad (`LEVELS`), what, and which rows, scans or patients."""

    level: str
    message: str
    names: tuple[str, ...] = ()

    def text(self, most: int = 10) -> str:
        """Return the message, with at most `most` names."""
        if not self.names:
            return self.message
        more = f" and {len(self.names) - most} more" if len(self.names) > most else ""
        return f"{self.message}: {', '.join(self.names[:most])}{more}"


@dataclass
class Report:
    """Findings in the order they were made.

    Errors make results wrong or impossible, warnings leave scans out, the
    rest is for information.

    Examples
    --------
    >>> report = Report()
    >>> report.filtered(["I3", "I7"], 224, "their files are missing")
    >>> print(report)
    warning: Filtered out 2 of 224 scans because their files are missing: I3, I7
    """

    findings: list[Finding] = field(default_factory=list)

    def add(self, level: str, message: str, names: Iterable[object] = ()) -> None:
        """Record a finding."""
        if level not in LEVELS:
            raise ValueError(f"expected a level, got {level!r}; available: {', '.join(LEVELS)}")
        self.findings.append(Finding(level, message, tuple(map(str, names))))

    def filtered(self, names: Iterable[object], total: int, reason: str, level: str = "warning") -> None:
        """Record that scans were left out; nothing if there were none."""
        names = list(names)
        if names:
            self.add(level, f"Filtered out {len(names)} of {total} scans because {reason}", names)

    def extend(self, other: Report) -> None:
        """Take over the findings of another report."""
        self.findings.extend(other.findings)

    def of(self, level: str) -> list[Finding]:
        """Return the findings of one level."""
        return [f for f in self.findings if f.level == level]

    @property
    def errors(self) -> list[Finding]:
        """Findings that make results wrong or impossible."""
        return self.of("error")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    def frame(self) -> pd.DataFrame:
        """Return columns level, message, count, names: one row a finding."""
        rows = [(f.level, f.message, len(f.names), ", ".join(f.names)) for f in self.findings]
        return pd.DataFrame(rows, columns=["level", "message", "count", "names"])

    def text(self, most: int = 10) -> str:
        """Return one line a finding, errors first, at most `most` names each."""
        ordered = sorted(self.findings, key=lambda f: LEVELS.index(f.level))
        return "\n".join(f"{f.level}: {f.text(most)}" for f in ordered)

    def __str__(self) -> str:
        return self.text()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)
