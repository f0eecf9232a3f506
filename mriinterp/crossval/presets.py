"""Protocols of a training, by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from mriinterp.training.loop import FitSettings

__all__ = ["PRESETS", "Preset", "get_preset"]


@dataclass(frozen=True)
class Preset:
    """How the networks of a cross-validation are trained.

    Parameters
    ----------
    name, label : str
    fitting : FitSettings
    dropout : tuple of float
        Before `dense_1` and `dense_2` of ClassificationModel3D; other
        architectures keep their own.
    flip, shift, intensity
        Variation of the training scans, see `mriinterp.training.dataset.ScanDataset`.
    voxelwise : bool
        Normalise each voxel by mean and deviation of the fold's training
        scans; False: as the study's network and file have it.
    """

    name: str
    label: str
    fitting: FitSettings = field(default_factory=FitSettings)
    dropout: tuple[float, float] = (0.0, 0.0)
    flip: bool = False
    shift: int = 0
    intensity: float = 0.0
    voxelwise: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "recommended",
            "class weights, variation of the scans, one-cycle rate, the epoch of the smallest validation loss",
            FitSettings(epochs=20, balanced=True),
            (0.3, 0.2),
            flip=True,
            shift=1,
            intensity=0.05,
        ),
        Preset(
            "rieke2018",
            "Rieke et al. 2018: Adam 1e-4, batches of 5, dropout 0.8, 20 epochs, no variation, voxel-wise "
            "normalisation, the last epoch",
            FitSettings(20, 5, 1e-4, weight_decay=0.0, smoothing=0.0, schedule="constant", keep="last"),
            (0.8, 0.0),
            voxelwise=True,
        ),
    )
}


def get_preset(name: str) -> Preset:
    """Return a preset by name; KeyError with the names there are."""
    if name not in PRESETS:
        raise KeyError(f"expected a preset, got {name!r}; available: {', '.join(PRESETS)}")
    return PRESETS[name]
