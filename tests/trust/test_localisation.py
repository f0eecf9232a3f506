import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.localisation import average_precision, mass_accuracy, rank_accuracy
from tests.trust.networks import Linear3D, case_of

MEASURE = get_measure("localisation")


def plain_average_precision(values, truth):
    """Precision at every threshold, weighted by the recall gained there."""
    total, before = 0.0, 0.0
    for threshold in np.unique(values)[::-1]:
        chosen = values >= threshold
        recall = truth[chosen].sum() / truth.sum()
        total += (recall - before) * truth[chosen].mean()
        before = recall
    return total


@given(st.integers(0, 10_000), st.integers(2, 8))
@settings(max_examples=60, deadline=None)
def test_average_precision_equals_a_plain_loop(seed, levels):
    rng = np.random.default_rng(seed)
    values, truth = rng.integers(0, levels, 50).astype(float), rng.random(50) < 0.3
    truth[0] = True
    assert average_precision(values, truth) == pytest.approx(plain_average_precision(values, truth))


def test_average_precision_against_sklearn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    values, truth = rng.integers(0, 30, 500).astype(float), rng.random(500) < 0.1
    assert average_precision(values, truth) == pytest.approx(metrics.average_precision_score(truth, values))


def test_known_maps():
    case = case_of(Linear3D())
    truth = case.truth.astype(float)
    values = MEASURE.run(case, Explainer("occlusion"), truth).values
    assert values["mass_accuracy"] == values["rank_accuracy"] == values["auprc"] == 1
    share = case.truth[case.mask].mean()
    assert values["chance"] == pytest.approx(share)
    flat = MEASURE.run(case, Explainer("occlusion"), np.ones(case.mask.shape)).values
    for name in ("mass_accuracy", "rank_accuracy", "auprc"):
        assert flat[name] == pytest.approx(share)
    assert flat["outside"] == pytest.approx((~case.mask).mean())


def test_negative_relevance_counts_only_where_it_is_read():
    case = case_of(Linear3D())
    values = MEASURE.run(case, Explainer("sensitivity"), -case.truth.astype(float)).values
    assert values["auprc_read"] == 1
    assert values["auprc"] == pytest.approx(values["chance"])
    assert np.isnan(values["mass_accuracy"])
    assert values["mass_accuracy_read"] == 1


def test_formulas_by_hand():
    values, truth = np.array([3.0, 1.0, 2.0, -4.0]), np.array([True, True, False, False])
    assert mass_accuracy(values, truth) == pytest.approx(4 / 6)
    assert rank_accuracy(values, truth) == pytest.approx(1 / 2)
    assert rank_accuracy(np.array([3.0, 1.0, 1.0, 1.0]), truth) == pytest.approx((1 + 1 / 3) / 2)


def test_a_case_without_truth_says_so():
    case = case_of(Linear3D(), truth=None)
    assert "needs scans in which the place of the disease is known" in MEASURE.missing(case)
    with pytest.raises(ValueError, match="needs scans in which"):
        MEASURE.run(case, Explainer("occlusion"), np.ones(case.mask.shape))


def test_against_quantus(rng):
    """Quantus refuses volumes; mass and rank do not depend on the shape, so its 2D figures must be ours."""
    quantus = pytest.importorskip(
        "quantus",
        reason="Quantus or a system library it needs is not here: pip install -r requirements-dev.txt, and libGL.so.1 for OpenCV",
        exc_type=ImportError,
    )
    torch = pytest.importorskip("torch")

    class First(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :2]

    maps, truth = np.abs(rng.standard_normal((2, 1, 56, 9))), rng.random((2, 1, 56, 9)) < 0.2
    x = rng.standard_normal(maps.shape).astype(np.float32)
    batch = {"x_batch": x, "y_batch": np.array([0, 1]), "a_batch": maps, "s_batch": truth.astype(float)}
    for theirs, ours in (
        (quantus.RelevanceMassAccuracy, mass_accuracy),
        (quantus.RelevanceRankAccuracy, rank_accuracy),
    ):
        measure = theirs(abs=False, normalise=False, disable_warnings=True)
        expected = measure(model=First(), device="cpu", **batch)
        assert [ours(m.ravel(), t.ravel()) for m, t in zip(maps, truth, strict=True)] == pytest.approx(expected)
