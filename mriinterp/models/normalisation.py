"""How a scan's intensities are brought to what a network was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mriinterp.image.intensity import Intensities
from mriinterp.image.volume import Volume, check_same_grid, resample
from mriinterp.models.rules import NORMALISATIONS, Rule

__all__ = ["NORMALISATIONS", "Normalisation", "PerImage", "Rule", "files_of_normalisation", "read_normalisation"]


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A rule applied to a scan that already lies on the model's grid.

    Parameters
    ----------
    kind : str
        ``"none"``: voxels pass bitwise. ``"scan_mean"``: divided by the mean
        of all voxels, then clipped to `params["clip"]` when given.
        ``"scan_zscore"``: mean 0 and standard deviation 1 over the voxels
        above zero; the background stays 0. ``"voxelwise"``: minus a mean and
        divided by a standard deviation of each voxel over the training
        scans (arrays `params["mean"]`, `params["std"]`, shape of the grid);
        voxels that never varied become 0. ``"volume_zscore"``: mean 0 and
        deviation 1 over all voxels. ``"min_max"``: from the smallest to the
        largest value to `params["range"]`, by default 0 to 1.
        ``"percentile"``: the same from the percentiles `params["lower"]` (1)
        to `params["upper"]` (99), what lies beyond is clipped unless
        `params["clip"]` is false; `params["over"]` ``"brain"`` takes the
        percentiles of the voxels above 0. ``"fixed"``: minus the number
        `params["mean"]`, divided by `params["std"]`. Which scans each holds
        for stands in `NORMALISATIONS`.
    params : dict
    """

    kind: str = "none"
    params: dict = field(default_factory=dict)

    def __post_init__(self):
        if not isinstance(self.kind, str) or self.kind not in NORMALISATIONS:
            raise ValueError(
                f"expected a known normalisation, got {self.kind!r}; available: {', '.join(NORMALISATIONS)}"
            )
        known = self.rule.parameters
        unknown = self.params.keys() - known
        if unknown:
            raise ValueError(
                f"expected parameters of the normalisation {self.kind!r}, got {', '.join(sorted(unknown))}; "
                f"available: {', '.join(sorted(known)) or 'none'}"
            )
        for problem in self.rule.check(self.params):
            raise ValueError(f"normalisation {self.kind!r}: {problem}")

    def of(self, image: str) -> Normalisation:
        """Return the rule for an image of a scan: the same for all."""
        return self

    @property
    def rule(self) -> Rule:
        """What this kind does, and which scans it holds for."""
        return NORMALISATIONS[self.kind]

    def apply(self, data: np.ndarray) -> np.ndarray:
        """Map float32 voxels (i, j, k) to the float32 network input (i, j, k).

        Raises
        ------
        ValueError
            For intensities that it cannot make sense of, e.g. a mean of 0.
        """
        return self.rule.apply(data, self.params).astype(np.float32, copy=False)

    def warnings_of(self, found: Intensities, *, stripped: bool = True) -> tuple[str, ...]:
        """Return what a scan's intensities lack of what this normalisation holds for, a sentence each.

        Parameters
        ----------
        found : Intensities
        stripped : bool
            Whether the network was trained on skull-stripped scans, whose air
            holds no noise.
        """
        broken = [text for need in self.rule.needs_of(self.params) if (text := need.broken(found, stripped))]
        return tuple(f"{text}. The network's normalisation {self.rule.does}: {self.holds_for}" for text in broken)

    @property
    def holds_for(self) -> str:
        """Which scans it holds for, in words."""
        return f"it holds for scans {', '.join(need.expected for need in self.rule.needs_of(self.params))}"

    @property
    def digest(self) -> str:
        """SHA-256 over the kind and its parameters, arrays included."""
        digest = hashlib.sha256(self.kind.encode())
        for key in sorted(self.params):
            value = self.params[key]
            digest.update(key.encode())
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class PerImage:
    """A rule for each image of a scan.

    Parameters
    ----------
    rules : dict of str to Normalisation
    """

    rules: dict[str, Normalisation]

    def of(self, image: str) -> Normalisation:
        """Return the rule for an image."""
        return self.rules[image]

    @property
    def digest(self) -> str:
        """SHA-256 over names and rules."""
        parts = "\n".join(f"{name}={rule.digest}" for name, rule in self.rules.items())
        return hashlib.sha256(parts.encode()).hexdigest()


def files_of_normalisation(entry: object) -> list[str]:
    """Return the names of files that the `normalisation` entry of a model card names, for any image."""
    if not isinstance(entry, Mapping):
        return []
    own = [entry[key] for key in ("mean", "std") if isinstance(entry.get(key), str)]
    return own + [name for part in entry.values() for name in files_of_normalisation(part)]


def read_normalisation(
    entry: dict | None,
    folder: Path,
    read_volume: Callable[[Path], Volume],
    grid,
    images: Sequence[str] = (),
) -> Normalisation | PerImage:
    """Read the `normalisation` entry of a model card.

    Parameters
    ----------
    entry : dict or None
        E.g. ``{"kind": "scan_mean", "clip": [0, 8]}`` or ``{"kind":
        "voxelwise", "mean": "mean.nii.gz", "std": "std.nii.gz"}`` with files
        beside the card; of a network of several images also one such entry
        for each by name.
    folder : Path
        Folder of the card.
    read_volume : callable
        Reads the two files.
    grid : Grid
        Grid of the model; both files must lie on it.
    images : sequence of str
        Names of the network's images.
    """
    if entry is None:
        return Normalisation()
    if images and isinstance(entry, dict) and "kind" not in entry:
        if set(entry) != set(images):
            raise ValueError(
                f"expected a normalisation for each of {', '.join(images)}, got {', '.join(map(str, entry)) or 'none'}"
            )
        return PerImage({name: _read_one(entry[name], folder, read_volume, grid) for name in images})
    return _read_one(entry, folder, read_volume, grid)


def _read_one(entry: object, folder: Path, read_volume: Callable[[Path], Volume], grid) -> Normalisation:
    if not isinstance(entry, dict) or "kind" not in entry:
        raise ValueError(f'expected normalisation as {{"kind": …}}, got {entry!r}')
    params = {key: value for key, value in entry.items() if key != "kind"}
    if entry["kind"] == "voxelwise":
        if missing := {"mean", "std"} - params.keys():
            raise ValueError(
                f"expected files 'mean' and 'std' for the voxelwise normalisation, missing: {sorted(missing)}"
            )
        for key in ("mean", "std"):
            params[key] = _map_on(params[key], key, folder, read_volume, grid)
    return Normalisation(entry["kind"], params)


def _map_on(name: object, key: str, folder: Path, read_volume: Callable[[Path], Volume], grid) -> np.ndarray:
    """Return mean or deviation of each voxel, on the model's grid."""
    if isinstance(name, np.ndarray):
        return name
    if not isinstance(name, str):
        raise ValueError(f"expected {key!r} of the normalisation as the name of a file, got {name!r}")
    volume = read_volume(folder / name)
    if volume.source is not None and volume.source.matches(grid):
        volume = resample(volume, grid)  # back to the model's own voxel order, exact
    check_same_grid(volume, grid, f"normalisation file {name}", "the model")
    return np.ascontiguousarray(volume.data)
