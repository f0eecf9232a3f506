"""What a normalisation needs of a scan's intensities, so that a network sees what it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mriinterp.image.intensity import FLAT, Intensities

__all__ = [
    "AIR_IS_ONE_VALUE",
    "AIR_IS_ZERO",
    "BRAIN_ABOVE_ZERO",
    "MOST_OF_BRAIN_ABOVE_ZERO",
    "NO_AIR_ABOVE_ZERO",
    "NO_SPIKE",
    "Need",
    "near_training_mean",
]

NOISY_AIR = 0.05  # of the brain's brightness: the noise of a scanner in a scan that is not skull-stripped
LIT_AIR = 0.1  # of the air's voxels
SPIKE = 10.0  # times the brightness of tissue
FAR = 10.0  # standard deviations from the training scans' mean


@dataclass(frozen=True)
class Need:
    """A condition on intensities.

    Parameters
    ----------
    expected : str
        The condition in words, after "scans".
    broken : callable
        ``broken(found, stripped)``: from `Intensities`, and whether the
        network was trained on skull-stripped scans, what was found and what
        is expected; "" where the condition holds or cannot be judged.
    """

    expected: str
    broken: Callable[[Intensities, bool], str]


def _clean_air(found: Intensities, stripped: bool) -> bool:
    """Return whether the air holds no noise, or should hold none."""
    return stripped or found.air_spread <= FLAT * found.brightness


def _air_is_zero(found: Intensities, stripped: bool) -> str:
    clean = _clean_air(found, stripped)
    if found.air is not None and abs(found.air) > (FLAT if clean else NOISY_AIR) * found.brightness:
        return (
            f"the air around the head has an intensity of {found.air:.4g}, expected 0 (the brain has {found.brain:.4g})"
        )
    if clean and found.air_off > LIT_AIR:
        return f"{found.air_off:.0%} of the air around the head is not 0, expected at most {LIT_AIR:.0%}"
    return ""


def _no_air_above_zero(found: Intensities, stripped: bool) -> str:
    if text := _air_is_zero(found, stripped):
        return text
    if found.air_above <= LIT_AIR or not _clean_air(found, stripped):
        return ""
    return f"{found.air_above:.0%} of the air around the head is above 0, expected at most {LIT_AIR:.0%}"


def _above_zero(allowed: float) -> Callable[[Intensities, bool], str]:
    def broken(found: Intensities, stripped: bool) -> str:
        if found.dark <= allowed:
            return ""
        return f"{found.dark:.0%} of the brain has an intensity of 0 or below, expected at most {allowed:.0%}"

    return broken


def _air_is_one_value(found: Intensities, stripped: bool) -> str:
    if not stripped or found.air is None or found.air_spread <= FLAT * found.brightness:
        return ""
    return f"the air around the head varies (interquartile range {found.air_spread:.4g}), expected one value"


def near_training_mean(mean: float, std: float) -> Need:
    """Return the condition that a scan's brain is about as bright as in the training scans."""

    def broken(found: Intensities, stripped: bool) -> str:
        off = abs(found.brain - mean) / std
        if off <= FAR:
            return ""
        return (
            f"the brain has an intensity of {found.brain:.4g}, {off:.0f} standard deviations from the mean of the "
            f"training scans ({mean:g}), expected at most {FAR:.0f}: another unit, or another scaling"
        )

    return Need("whose intensities are in the unit of the training scans", broken)


def _no_spike(found: Intensities, stripped: bool) -> str:
    air, reach = found.air or 0.0, found.brightness
    for name, value, beyond in (
        ("highest", found.highest, found.highest - air),
        ("lowest", found.lowest, air - found.lowest),
    ):
        if 0 < reach * SPIKE < beyond:
            return (
                f"the {name} intensity is {value:.4g}, {beyond / reach:.0f} times as far from the air as tissue is, "
                f"expected at most {SPIKE:.0f} times: a spike or an artefact"
            )
    return ""


AIR_IS_ONE_VALUE = Need("whose air has one value", _air_is_one_value)
AIR_IS_ZERO = Need("whose air is 0", _air_is_zero)
NO_AIR_ABOVE_ZERO = Need("whose air is 0", _no_air_above_zero)
BRAIN_ABOVE_ZERO = Need("whose brain is above 0", _above_zero(0.05))
MOST_OF_BRAIN_ABOVE_ZERO = Need("most of whose brain is above 0", _above_zero(0.5))
NO_SPIKE = Need(f"without voxels more than {SPIKE:.0f} times as bright as tissue", _no_spike)
