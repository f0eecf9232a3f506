"""Results on disk: one small file for each method and subject, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.base.atomic import write_text
from mriinterp.base.files import read_json
from mriinterp.trust.measure import Outcome

__all__ = ["COHORT", "LEFT_OUT", "SETTINGS", "VERSION", "Unit", "unit_path"]

VERSION = 4  # raise when the numbers of all measures change; those of one: see `Measure.revision`
COHORT = "(cohort)"
SETTINGS = "occlusion_settings"
LEFT_OUT = "left_out"  # what holds the reasons why measures could not be taken

logger = logging.getLogger(__name__)


def unit_path(folder: Path, explainer: str, subject: str) -> Path:
    """Return the file of one map's results."""
    method, person = (re.sub(r"[^\w.-]+", "_", text) for text in (explainer, subject))
    digest = hashlib.sha256(f"{explainer}\n{subject}".encode()).hexdigest()[:6]
    return Path(folder) / "units" / method[:60] / f"{person[:60]}_{digest}.json"


class Unit:
    """Results of one method for one subject, on disk; each with the key of what made it.

    Parameters
    ----------
    path : Path
    method, subject : str
    """

    def __init__(self, path: Path, method: str, subject: str):
        self.path = path
        self.entries: dict[str, Any] = {"method": method, "subject": subject, "measures": {}}
        try:
            found = read_json(path)
            if found["method"] == method and found["subject"] == subject:
                self.entries["measures"] = dict(found["measures"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s is damaged and will be computed again: %s", path.name, error)

    def has(self, name: str, key: str) -> bool:
        """Return whether this very result is there."""
        return self.entries["measures"].get(name, {}).get("key") == key

    def put(self, name: str, key: str, outcome: Outcome, seconds: float) -> None:
        """Keep a result; the file is replaced whole."""
        entry = {"key": key, "seconds": round(seconds, 3), **asdict(outcome)}
        self.entries["measures"][name] = _plain(entry)
        write_text(self.path, json.dumps(self.entries, allow_nan=False))

    def leave_out(self, name: str, error: ValueError) -> None:
        """Note why a measure cannot be taken, here and in the log: the others go on."""
        method, subject = self.entries["method"], self.entries["subject"]
        logger.warning("%s: %s: not measured by %s: %s", subject, method, name, error)
        known = self.entries["measures"].get(LEFT_OUT, {}).get("details", {})
        self.put(LEFT_OUT, "", Outcome({}, {**known, name: str(error)}), 0.0)


def _plain(value: Any) -> Any:
    """Make entries plain JSON: NaN becomes null, numpy numbers become Python's."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.floating, float)):
        return None if not math.isfinite(value) else float(value)
    if isinstance(value, np.integer):
        return int(value)
    return value
