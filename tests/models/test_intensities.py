"""Intensities that break a normalisation are refused or warned about."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mriinterp.explain import explain
from mriinterp.image.intensity import Intensities, measure_intensities
from mriinterp.image.preparation import Preparation
from mriinterp.image.template import DEMO_GRID, brain_mask, template
from mriinterp.image.volume import Volume
from mriinterp.models import Prediction
from mriinterp.models.card import card_from_dict
from mriinterp.models.model import Model
from mriinterp.models.needs import (
    AIR_IS_DARKEST,
    AIR_IS_ONE_VALUE,
    AIR_IS_ZERO,
    BRAIN_ABOVE_ZERO,
    BRAIN_VARIES,
    MOST_OF_BRAIN_ABOVE_ZERO,
    NO_AIR_ABOVE_ZERO,
    NO_SPIKE,
    near_training_mean,
)
from mriinterp.models.normalisation import NORMALISATIONS, Normalisation

ONES = {"mean": np.ones(DEMO_GRID.shape, np.float32), "std": np.ones(DEMO_GRID.shape, np.float32)}
RULES = {
    "none": Normalisation(),
    "scan_mean": Normalisation("scan_mean", {"clip": [0, 8]}),
    "scan_zscore": Normalisation("scan_zscore"),
    "voxelwise": Normalisation("voxelwise", ONES),
}
every_rule = pytest.mark.parametrize("kind", RULES)


@pytest.fixture(scope="module")
def brain():
    return np.where(brain_mask(DEMO_GRID).data, template(DEMO_GRID).data, 0).astype(np.float32)


def judge(kind, data, stripped=True):
    """What is said of a scan: warnings, or why it is refused."""
    found = RULES[kind].warnings_of(measure_intensities(Volume(data, DEMO_GRID.affine)), stripped=stripped)
    try:
        RULES[kind].apply(data)
    except ValueError as error:
        return (*found, str(error))
    return found


def with_spike(brain, value, voxels=1):
    data = brain.copy()
    data.ravel()[np.flatnonzero(brain > 100)[:voxels]] = value
    return data


@every_rule
def test_a_scan_as_it_should_be_is_passed_in_silence(kind, brain):
    for data in (brain, brain * 40, brain / 1000, with_spike(brain, 5 * brain.max())):
        assert judge(kind, data) == ()


@every_rule
@pytest.mark.parametrize("offset", [1, 10, 1000, -5])
def test_air_that_is_not_zero(kind, brain, offset):
    said = judge(kind, brain + np.float32(offset))
    assert f"the air around the head has an intensity of {offset}, expected 0" in said[0]
    assert NORMALISATIONS[kind].does in said[0]
    assert "it holds for scans whose air is 0" in said[0]


@every_rule
def test_a_brain_below_zero(kind, brain):
    for data in (-brain, np.where(brain > 0, brain - 300, 0).astype(np.float32)):
        said = judge(kind, data)
        assert any(
            text.startswith("100% of the brain has an intensity of 0 or below, expected at most") for text in said
        )


def test_a_standardised_brain(brain):
    """Half of it is below zero: only a network that takes scans as they are may have been trained so."""
    inside = brain > 0
    data = np.where(inside, (brain - brain[inside].mean()) / brain[inside].std(), 0).astype(np.float32)
    assert judge("none", data) == ()
    for kind in ("scan_mean", "scan_zscore", "voxelwise"):
        assert "of the brain has an intensity of 0 or below, expected at most 5%" in judge(kind, data)[0]


@every_rule
@pytest.mark.parametrize(("value", "voxels"), [(1e4, 1), (1e6, 1), (1e5, 1500), (-1e5, 1)])
def test_spikes(kind, brain, value, voxels):
    said = judge(kind, with_spike(brain, value, voxels))
    which = "highest" if value > 0 else "lowest"
    assert said[0].startswith(f"the {which} intensity is {value:.4g}, ")
    assert "times as far from the air as tissue is" in said[0]


@every_rule
def test_a_spike_is_one_whatever_the_unit(kind, brain):
    for unit in (1e-6, 1e6):
        said = judge(kind, with_spike(brain, 1e4) * np.float32(unit))
        assert said[0].startswith("the highest intensity is ")


@every_rule
def test_ten_times_the_bulk_is_the_boundary(kind, brain):
    bulk = float(np.percentile(brain, 99))
    assert judge(kind, with_spike(brain, 9.99 * bulk)) == ()
    assert len(judge(kind, with_spike(brain, 10.01 * bulk))) == 1


@every_rule
def test_noise_in_the_air(kind, brain, rng):
    """A skull-stripped scan has none; one with its skull has a little, and a network trained on such scans knows it."""
    data = np.abs(brain + rng.normal(0, 3, brain.shape)).astype(np.float32)
    assert "the air around the head has an intensity of" in judge(kind, data)[0]
    assert judge(kind, data, stripped=False) == ()
    loud = np.abs(brain + rng.normal(0, 60, brain.shape)).astype(np.float32)
    assert "the air around the head has an intensity of" in judge(kind, loud, stripped=False)[0]


@every_rule
def test_an_offset_in_part_of_the_air(kind, brain):
    """As where a scanner's field of view ends inside the picture."""
    data = brain.copy()
    data[:, :, :50] += np.where(brain[:, :, :50] == 0, 10, 0)
    assert "% of the air around the head is not 0, expected at most 10%" in judge(kind, data)[0]


def test_a_trace_in_the_air_breaks_only_what_counts_voxels(brain, rng):
    """What interpolation leaves is nothing to a mean; but it counts as brain where brain is what is above zero."""
    data = brain + (brain == 0) * rng.uniform(0, 1e-4, brain.shape).astype(np.float32)
    for kind in ("none", "scan_mean", "voxelwise"):
        assert judge(kind, data) == ()
    assert "100% of the air around the head is above 0, expected at most 10%" in judge("scan_zscore", data)[0]


def test_what_has_no_meaning_is_refused(brain):
    for data in (-brain, brain - 60, brain * 0):
        with pytest.raises(ValueError, match="expected a scan of positive mean intensity, got mean"):
            RULES["scan_mean"].apply(data)
    with pytest.raises(ValueError, match=r"expected a scan whose brain is above 0, got .* voxels below 0"):
        RULES["scan_zscore"].apply(brain - 60)
    with pytest.raises(ValueError, match="got none: it cannot be standardised"):
        RULES["scan_zscore"].apply(-brain)


# ---- rules that shift and scale: neither zero nor unit of a scan matters, but how air and brain lie to each other does

SHIFTING = pytest.mark.parametrize("kind", ["volume_zscore", "min_max", "percentile"])


def judge_shifting(kind, data):
    return Normalisation(kind).warnings_of(measure_intensities(Volume(np.asarray(data, np.float32), DEMO_GRID.affine)))


@SHIFTING
def test_a_shifted_scan_is_no_other_scan_where_the_rule_shifts(kind, brain):
    for data in (brain, brain + 10, brain - 1000, brain * 1e-6):
        assert judge_shifting(kind, data) == ()


@SHIFTING
def test_air_in_another_place_is_said_where_the_rule_shifts(kind, brain):
    """As of Hounsfield units, inverted contrast, white air, values that overran, a standardised brain, half a brain."""
    inside = brain > 0
    for data in (
        np.where(inside, brain, -1000),
        brain.max() - brain,
        -brain,
        np.where(inside, brain, 255),
        np.where(brain > 150, brain - 256, brain),
        np.where(inside, brain - brain[inside].mean(), 0),
        np.where(np.arange(brain.shape[0])[:, None, None] < brain.shape[0] // 2, 0, brain),
    ):
        assert "the air around the head" in judge_shifting(kind, data)[0]


@SHIFTING
def test_air_of_two_values_is_said_where_the_rule_shifts(kind, brain):
    data = brain.copy()
    data[:, :, :40] += np.where(brain[:, :, :40] == 0, 10, 0)
    assert "of the air around the head differs from the rest of it (0)" in judge_shifting(kind, data)[0]


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_a_mask_or_a_scan_that_was_cut_off_is_no_scan(kind, brain):
    params = {"voxelwise": ONES, "fixed": {"mean": 150.0, "std": 60.0}}
    for data in (brain > 0, np.digitize(brain, [1, 150, 200]), np.minimum(brain, 170)):
        found = measure_intensities(Volume(data.astype(np.float32), DEMO_GRID.affine))
        said = Normalisation(kind, params.get(kind, {})).warnings_of(found)
        assert any("of the brain has one intensity" in text for text in said)


def test_a_map_of_tissue_may_be_0_or_1_in_much_of_the_brain(brain):
    for data in (brain > 180, (brain > 0) & (brain < 180)):
        smooth = np.where(np.arange(brain.shape[2]) % 3 == 0, 0.5 * data, data)
        assert judge_shifting("min_max", smooth) == ()


def test_a_fixed_mean_expects_the_unit_of_the_training_scans(brain):
    inside = brain > 0
    standardised = np.where(inside, (brain - brain[inside].mean()) / brain[inside].std(), 0)
    raw, own = Normalisation("fixed", {"mean": 60.0, "std": 30.0}), Normalisation("fixed", {"mean": 0.0, "std": 1.0})

    def said(rule, data):
        return rule.warnings_of(measure_intensities(Volume(np.asarray(data, np.float32), DEMO_GRID.affine)))

    assert said(raw, brain) == said(own, standardised) == ()
    assert "of the brain has an intensity of 0 or below" in said(raw, standardised)[0]
    assert "another unit, or another scaling" in said(raw, brain / 1000)[0]


# ---- boundaries, on figures made by hand

USUAL = Intensities(
    air=0.0, air_spread=0.0, air_above=0.0, air_off=0.0, air_varied=0.0, brain=100.0, brain_spread=140.0, dark=0.0,
    darker_than_air=0.0, common=100.0, common_share=0.01, bulk=200.0, lowest=0.0, highest=300.0,
)  # fmt: skip


def said(need, stripped=True, **figures):
    return need.broken(replace(USUAL, **figures), stripped)


def test_boundaries_of_the_air():
    assert said(AIR_IS_ZERO, air=0.199) == said(AIR_IS_ZERO, air=-0.2) == ""
    assert said(AIR_IS_ZERO, air=0.3).startswith("the air around the head has an intensity of 0.3, expected 0")
    assert said(AIR_IS_ZERO, air=-0.3)
    noisy = {"stripped": False, "air_spread": 5.0}
    assert said(AIR_IS_ZERO, air=9.5, **noisy) == "", "a twentieth of the brightness, 190.5"
    assert said(AIR_IS_ZERO, air=9.6, **noisy)
    assert said(AIR_IS_ZERO, air=-11, **noisy), "measured from the air itself"
    assert said(AIR_IS_ZERO, air=9.5, stripped=False, air_spread=0.19), "air of one value holds no noise"
    assert said(AIR_IS_ZERO, air=9.5, stripped=True, air_spread=5.0)
    assert said(AIR_IS_ZERO, air_off=0.1) == said(AIR_IS_ZERO, air_off=0.5, **noisy) == ""
    assert said(AIR_IS_ZERO, air_off=0.11) == "11% of the air around the head is not 0, expected at most 10%"
    assert said(AIR_IS_ZERO, air=None, air_off=0.0) == ""


def test_boundaries_of_what_counts_voxels():
    assert said(NO_AIR_ABOVE_ZERO, air_above=0.1) == ""
    assert said(NO_AIR_ABOVE_ZERO, air_above=0.11) == "11% of the air around the head is above 0, expected at most 10%"
    assert said(NO_AIR_ABOVE_ZERO, air_above=1.0, stripped=False, air_spread=5.0) == ""
    assert said(NO_AIR_ABOVE_ZERO, air_above=1.0, air=3.0).startswith("the air around the head has an intensity of 3")


def test_boundaries_of_the_brain():
    assert said(BRAIN_ABOVE_ZERO, dark=0.05) == said(MOST_OF_BRAIN_ABOVE_ZERO, dark=0.5) == ""
    assert said(BRAIN_ABOVE_ZERO, dark=0.06) == "6% of the brain has an intensity of 0 or below, expected at most 5%"
    assert said(MOST_OF_BRAIN_ABOVE_ZERO, dark=0.51)


def test_boundaries_of_air_and_brain():
    assert said(AIR_IS_ONE_VALUE, air_varied=0.1) == said(AIR_IS_ONE_VALUE, stripped=False, air_varied=0.5) == ""
    assert said(AIR_IS_ONE_VALUE, air_varied=0.11).startswith("11% of the air around the head differs")
    assert said(AIR_IS_DARKEST, darker_than_air=0.05) == said(AIR_IS_DARKEST, air=None, darker_than_air=0.5) == ""
    assert said(AIR_IS_DARKEST, darker_than_air=0.06).startswith("6% of the brain is no brighter than the air")
    assert said(AIR_IS_DARKEST, darker_than_air=0.06, highest=1.0) == "", "may be a map of tissue"
    assert said(AIR_IS_DARKEST, brain_spread=40.1) == ""
    assert "far below a brain of 100" in said(AIR_IS_DARKEST, brain_spread=39.9)


def test_boundaries_of_one_value():
    assert said(BRAIN_VARIES, common_share=0.25) == said(BRAIN_VARIES, common_share=0.9, highest=1.0) == ""
    assert said(BRAIN_VARIES, common_share=0.26).startswith(
        "26% of the brain has one intensity, 100, expected at most 25%"
    )
    assert "expected at most 90%" in said(BRAIN_VARIES, common_share=0.91, highest=1.0)
    assert said(BRAIN_VARIES, common=0.0, common_share=0.5) == "", "that is a dark brain"


def test_boundaries_of_the_training_scans_unit():
    need = near_training_mean(100.0, 50.0)
    assert said(need, brain=600.0) == said(need, brain_spread=2.5) == ""
    assert "10 standard deviations" in said(need, brain=601.0)
    assert "expected at least 2.5" in said(need, brain_spread=2.4)


def test_boundaries_of_spikes():
    """Distances are from the air, wherever it lies."""
    assert said(NO_SPIKE, highest=2000) == said(NO_SPIKE, lowest=-2000) == ""
    assert said(NO_SPIKE, highest=2001).startswith(
        "the highest intensity is 2001, 10 times as far from the air as tissue is"
    )
    assert said(NO_SPIKE, lowest=-2001).startswith("the lowest intensity is -2001, 10 times")
    for air in (1000.0, -1000.0):
        moved = {"air": air, "bulk": air + 200, "brain": air + 100}
        assert said(NO_SPIKE, **moved, highest=air + 2000, lowest=air - 2000) == ""
        assert said(NO_SPIKE, **moved, highest=air + 4002, lowest=air).endswith(
            "expected at most 10 times: a spike or an artefact"
        )
        assert " 20 times as far" in said(NO_SPIKE, **moved, highest=air + 4002, lowest=air)
        assert said(NO_SPIKE, **moved, highest=air + 300, lowest=air - 2001)
    assert said(NO_SPIKE, air=None, highest=2001)
    small = {"bulk": 0.0, "brain": 100.0}  # less than a hundredth of the scan is tissue
    assert said(NO_SPIKE, **small, highest=1000) == ""
    assert said(NO_SPIKE, **small, highest=1001)
    assert said(NO_SPIKE, bulk=0.0, brain=0.0, lowest=0.0, highest=0.0) == ""


# ---- where it is said


@pytest.fixture
def model():
    class Mean(torch.nn.Module):
        def forward(self, x):
            return torch.stack([x.mean((1, 2, 3, 4)), -x.mean((1, 2, 3, 4))], dim=1)

    grid = {"shape": list(DEMO_GRID.shape), "affine": DEMO_GRID.affine.tolist()}
    card = card_from_dict({"name": "m", "architecture": "none", "grid": grid, "classes": ["a", "b"]})
    return Model(Mean().eval(), card, RULES["scan_mean"], "0" * 64, torch.device("cpu"))


def test_predictions_and_maps_carry_it(model, brain):
    usual, raised = (Volume(data, DEMO_GRID.affine) for data in (brain, brain + 10))
    assert model.predict(usual).warnings == ()
    (text,) = model.predict(raised).warnings
    assert text.startswith("the air around the head has an intensity of 10")
    found = explain(model, raised, "sensitivity")
    assert found.warnings == (text,)
    assert found.prediction == model.predict(raised)
    assert model.predict_tensor(model.prepare(raised)).warnings == ()
    noted = Volume(raised.data, raised.affine, notes=("3 voxels were NaN",))
    assert model.predict(noted).warnings == ("3 voxels were NaN", text)
    assert model.warnings_of(noted) == (text,)


def test_a_scan_that_was_prepared_otherwise_than_the_training_scans(model, brain):
    scan = Volume(brain, DEMO_GRID.affine, preparation=Preparation("linear", "a" * 64))
    assert model.predict(scan).warnings == ()
    object.__setattr__(model.card, "preparation", Preparation("nonlinear"))
    (text,) = model.predict(scan).warnings
    assert text.startswith("the network was trained on scans that were warped onto the template")
    assert explain(model, scan, "sensitivity").warnings == (text,)
    assert model.predict(Volume(brain, DEMO_GRID.affine)).warnings == ()


def test_a_network_that_knows_skulls(model, brain, rng):
    noisy = Volume(np.abs(brain + rng.normal(0, 3, brain.shape)).astype(np.float32), DEMO_GRID.affine)
    assert model.warnings_of(noisy)
    object.__setattr__(model.card, "skull_stripped", False)
    assert model.warnings_of(noisy) == ()


def test_warnings_of_a_stored_prediction_are_a_tuple_again():
    assert Prediction({}, {}, "a", ["x"]) == Prediction({}, {}, "a", ("x",))


def test_every_normalisation_says_what_it_holds_for():
    for kind, rule in RULES.items():
        assert rule.holds_for.startswith("it holds for scans whose air is 0, "), kind
        assert "as bright as tissue" in rule.holds_for


def test_the_published_network_and_a_raised_scan(shared_data):
    """The example that began it: all voxels raised by 10."""
    from mriinterp.image.nifti import read_volume
    from mriinterp.models import load_model

    files = [shared_data / "ncomms2022" / f"{part}_58.pth" for part in ("backbone", "COG")]
    network = load_model("ncomms2022", files, device="cpu")
    scan = read_volume(shared_data / "ds002748" / "mni" / "sub-52_space-MNI152_desc-brain_T1w.nii.gz")
    assert network.warnings_of(scan) == ()
    assert "has an intensity of 10, expected 0" in network.warnings_of(scan.with_data(scan.data + 10))[0]
