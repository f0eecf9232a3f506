"""What a normalisation needs of a scan's intensities, so that a network sees what it was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mriinterp.image.intensity import FLAT, Intensities

__all__ = [
    "AIR_IS_DARKEST",
    "AIR_IS_ONE_VALUE",
    "AIR_IS_ZERO",
    "BRAIN_ABOVE_ZERO",
    "BRAIN_VARIES",
    "MOST_OF_BRAIN_ABOVE_ZERO",
    "NO_AIR_ABOVE_ZERO",
    "NO_SPIKE",
    "Need",
    "near_training_mean",
]

NOISY_AIR = 0.05  # of the brain's brightness: the noise of a scanner in a scan that is not skull-stripped
LIT_AIR = 0.1  # of the air's voxels
DARK_BRAIN = 0.05  # of the brain's voxels
NEAR_AIR = 0.2  # of the brightness: what the brain spreads over, at least; real scans have 0.4 to 0.7
ONE_VALUE = 0.25  # of the brain's voxels; real scans have 0.01, of 8 bits too
MASK = 0.9  # the same in an image of 0 to 1, which may hold shares of a tissue
NARROW = 0.05  # standard deviations of the training scans: what the brain spreads over, at least
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
    if not stripped or found.air_varied <= LIT_AIR:
        return ""
    return (
        f"{found.air_varied:.0%} of the air around the head differs from the rest of it ({found.air:.4g}), expected at "
        f"most {LIT_AIR:.0%}"
    )


def _may_be_tissue_map(found: Intensities) -> bool:
    """Return whether an image holds shares of a tissue: 0 in much of the brain, 1 in much of the rest."""
    return found.lowest >= 0 and found.highest <= 1


def _air_is_darkest(found: Intensities, stripped: bool) -> str:
    if found.air is None:
        return ""
    if found.darker_than_air > DARK_BRAIN and not _may_be_tissue_map(found):
        return (
            f"{found.darker_than_air:.0%} of the brain is no brighter than the air around the head ({found.air:.4g}), "
            f"expected at most {DARK_BRAIN:.0%}"
        )
    if found.common_share <= ONE_VALUE and found.brain_spread < NEAR_AIR * found.brightness:
        return (
            f"the air around the head has an intensity of {found.air:.4g}, far below a brain of {found.brain:.4g} that "
            f"spreads over {found.brain_spread:.4g}, expected a brain that spreads over at least {NEAR_AIR:.0%} of that"
        )
    return ""


def _brain_varies(found: Intensities, stripped: bool) -> str:
    allowed = MASK if _may_be_tissue_map(found) else ONE_VALUE
    if found.common_share <= allowed or found.common == 0:  # a brain of zeros is a dark one
        return ""
    return (
        f"{found.common_share:.0%} of the brain has one intensity, {found.common:.4g}, expected at most "
        f"{allowed:.0%}: a mask, labels, or a scan that was cut off at its highest values"
    )


def near_training_mean(mean: float, std: float) -> Need:
    """Return the condition that a scan's brain is about as bright as in the training scans."""

    def broken(found: Intensities, stripped: bool) -> str:
        off = abs(found.brain - mean) / std
        if found.brain_spread < NARROW * std:
            return (
                f"the brain spreads over {found.brain_spread:.4g}, expected at least {NARROW * std:.4g}, a twentieth of "
                f"the standard deviation of the training scans ({std:g}): another unit, or another scaling"
            )
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


AIR_IS_DARKEST = Need("whose air is darker than the brain and not far from it", _air_is_darkest)
AIR_IS_ONE_VALUE = Need("whose air has one value", _air_is_one_value)
AIR_IS_ZERO = Need("whose air is 0", _air_is_zero)
NO_AIR_ABOVE_ZERO = Need("whose air is 0", _no_air_above_zero)
BRAIN_ABOVE_ZERO = Need("whose brain is above 0", _above_zero(DARK_BRAIN))
BRAIN_VARIES = Need("whose brain has many intensities", _brain_varies)
MOST_OF_BRAIN_ABOVE_ZERO = Need("most of whose brain is above 0", _above_zero(0.5))
NO_SPIKE = Need(f"without voxels more than {SPIKE:.0f} times as bright as tissue", _no_spike)
