"""What a check of a network found, as data, table and text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from mriinterp.models import Prediction

__all__ = ["MethodCheck", "NetworkCheck", "OcclusionSpeed"]


@dataclass(frozen=True)
class MethodCheck:
    """A relevance method tried on the network.

    Parameters
    ----------
    name, label : str
    works : bool
    reason : str
        Why it was refused; "" if it works.
    seconds : float or None
        Of a map at the method's default settings; None if refused.
    estimated : bool
        Whether `seconds` was worked out from a shorter trial.
    layer : str
        The layer that a class activation map takes by default; "" for others.
    doubts : tuple of str
        What may be wrong with its map on this network, in words.
    """

    name: str
    label: str
    works: bool
    reason: str = ""
    seconds: float | None = None
    estimated: bool = False
    layer: str = ""
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class OcclusionSpeed:
    """Occlusion at its default settings, against one whole pass a window.

    Parameters
    ----------
    windows : int
    seconds : float
        With the engine.
    plain_seconds : float
        One whole pass a window, from the measured time of a pass.
    why : str
        What limits the gain, in words.
    """

    windows: int
    seconds: float
    plain_seconds: float
    why: str

    @property
    def speedup(self) -> float:
        """How many times faster than the plain loop."""
        return self.plain_seconds / self.seconds if self.seconds > 0 else 1.0


@dataclass(frozen=True)
class NetworkCheck:
    """Everything that `check_network` found.

    Parameters
    ----------
    network, device : str
    grid : str
        The lattice it reads, in words.
    outputs : tuple of str
        What it returns, one sentence a head.
    prediction : Prediction
        For the scan.
    caution : str
        Words that stand in the place of the prediction where it must not be shown; "" where it may.
    independent : bool
        Whether a scan's output is the same whatever runs beside it in a batch.
    deterministic : bool
        Whether the same scan gives the same output twice.
    notes : tuple of str
        What a person should know, in words: found when it was loaded or here.
    forward_seconds : float
        Of a whole pass.
    occlusion : OcclusionSpeed or None
        None if it cannot be planned.
    methods : tuple of MethodCheck
        In the order of lists of methods.
    """

    network: str
    device: str
    grid: str
    outputs: tuple[str, ...]
    prediction: Prediction
    independent: bool
    deterministic: bool
    notes: tuple[str, ...]
    forward_seconds: float
    occlusion: OcclusionSpeed | None
    methods: tuple[MethodCheck, ...]
    caution: str = ""

    @property
    def works(self) -> tuple[str, ...]:
        """Names of the methods that work."""
        return tuple(method.name for method in self.methods if method.works)

    @property
    def doubts(self) -> dict[str, list[str]]:
        """What may be wrong with maps on this network, in words, and the methods that it concerns."""
        found: dict[str, list[str]] = {}
        for method in self.methods:
            for text in method.doubts:
                found.setdefault(text, []).append(method.name)
        return found

    def table(self) -> pd.DataFrame:
        """Return one row a method: name, label, works, seconds, estimated, layer, reason, doubts."""
        columns = ["name", "label", "works", "seconds", "estimated", "layer", "reason", "doubts"]
        rows = [{**asdict(method), "doubts": "; ".join(method.doubts)} for method in self.methods]
        return pd.DataFrame(rows, columns=columns)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON entries."""
        entries = asdict(self)
        if entries.pop("caution"):
            warnings = list(entries.pop("prediction")["warnings"])
            entries |= {"caution": self.caution, "warnings": warnings}
        if self.occlusion is not None:
            entries["occlusion"]["speedup"] = self.occlusion.speedup
        return entries

    def text(self) -> str:
        """Return it as lines for a terminal."""
        lines = [f"{self.network}, on {self.device}, reads {self.grid}"]
        lines += [f"  returns {words}" for words in self.outputs]
        values = self.prediction.probabilities or self.prediction.outputs
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        lines.append(f"  {self.caution}" if self.caution else f"  says of the scan: {numbers}")
        lines.append(f"  scans of a batch: {'independent' if self.independent else 'MIXED; they run one by one'}")
        lines.append(f"  same scan, same output: {'yes' if self.deterministic else 'NO'}")
        lines += [f"  note: {note}" for note in (*self.notes, *self.prediction.warnings)]
        lines += [f"  warning: {', '.join(names)}: {text}" for text, names in self.doubts.items()]
        lines.append(f"  a pass takes {_seconds(self.forward_seconds)}")
        if self.occlusion is not None:
            speed = self.occlusion
            lines.append(
                f"  occlusion: {speed.windows:,} windows in {_seconds(speed.seconds)}, {speed.speedup:.1f} times as fast "
                f"as the plain loop ({_seconds(speed.plain_seconds)}); {speed.why}"
            )
        return "\n".join([*lines, "", *self._method_lines()])

    def _method_lines(self) -> list[str]:
        lines = [f"  {'method':<24s} {'':<8s} {'a map':>9s}  layer, or why not"]
        for method in self.methods:
            time = "" if method.seconds is None else f"{'~' if method.estimated else ''}{_seconds(method.seconds)}"
            state = "doubtful" if method.doubts else "works" if method.works else "refused"
            lines.append(f"  {method.name:<24s} {state:<8s} {time:>9s}  {method.layer or method.reason}".rstrip())
        return lines


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
