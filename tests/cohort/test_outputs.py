"""A network that returns probabilities says in a cohort what it says without its softmax; trust measures agree, too."""

import numpy as np
import pandas as pd
import pytest
import torch

from mriinterp.cohort import open_cohort, run_cohort
from mriinterp.study import load_study
from mriinterp.trust.bench import Bench
from mriinterp.trust.explainers import Explainer

from .conftest import make_study

METHODS = ("sensitivity", "occlusion")


@pytest.fixture(params=["softmax", "log_softmax"])
def pair(request, tmp_path):
    """The same study with the network as it is, and ending in a softmax."""
    files = [make_study(tmp_path / name) for name in ("bare", "inside")]
    code = files[1].parent / "net.py"
    text = code.read_text(encoding="utf-8")
    assert text.count(".flatten(1))\n") == 1
    code.write_text(text.replace(".flatten(1))\n", f".flatten(1)).{request.param}(1)\n"), encoding="utf-8")
    return [load_study(file, trust_code=True) for file in files]


def test_a_cohort(pair, tmp_path):
    results = []
    for number, study in enumerate(pair):
        run_cohort(
            study, METHODS, out=tmp_path / str(number), split="all", params={"occlusion": {"size": 5, "stride": 5}}
        )
        results.append(open_cohort(tmp_path / str(number)))
    bare, inside = results
    for column in ("p_healthy", "p_ill"):
        np.testing.assert_allclose(inside.subjects[column], bare.subjects[column], rtol=1e-5)
    pd.testing.assert_series_equal(inside.subjects["predicted"], bare.subjects["predicted"])
    expected = bare.run["performance"]["auc"]
    assert inside.run["performance"]["auc"]["value"] == pytest.approx(expected["value"])
    for method in METHODS:
        for group in bare.groups:
            expected = bare.mean(method, group, "signed").data
            found = inside.mean(method, group, "signed").data
            assert np.abs(expected).max() > 0
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    assert "softmax" in inside.network_notes[0]


def test_trust(pair):
    cases = [Bench(study, reference_scans=2).case("I101") for study in pair]
    boxes = [((0, 5), (2, 9), (1, 8)), ((4, 12), (4, 12), (4, 12))]
    assert cases[1].clean == pytest.approx(cases[0].clean, rel=1e-4)
    np.testing.assert_allclose(cases[1].scores(boxes), cases[0].scores(boxes), rtol=1e-4, atol=1e-5)
    for method, params in (("gradient_x_input", {}), ("occlusion", {"size": 5, "stride": 5})):
        expected, found = (Explainer(method, params)(case) for case in cases)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())
    with torch.no_grad():
        assert cases[1].module(cases[1].x).exp().sum() == pytest.approx(1, rel=1e-5), (
            "log-probabilities serve as logits"
        )
