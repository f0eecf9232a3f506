"""What is unusual about a scan or a network is shown, and in the reports to send round."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mriinterp.areas.atlas import load_atlas
from mriinterp.export.scan_report import scan_report
from mriinterp.image.volume import Volume
from mriinterp.models import Prediction, load_model
from mriinterp.relevance_map import RelevanceMap

ODD = "the air around the head has an intensity of 10, expected 0"
NOTE = "its output for a scan depends on the other scans of a batch"


def page(simulated):
    from dataclasses import replace

    from mriinterp.models import Prediction, load_model
    from mriinterp.ui.maps.result import show_prediction
    from mriinterp.ui.scan.subject import Subject

    texts = ("the air around the head has an intensity of 10, expected 0",)
    prediction = Prediction({"CN": 0.0, "AD": 1.0}, {"CN": 0.3, "AD": 0.7}, "AD", texts)
    notes = ("its output for a scan depends on the other scans of a batch",)
    show_prediction(
        replace(load_model("demo", device="cpu"), notes=notes), prediction, Subject("s", None, simulated=simulated)
    )


@pytest.mark.parametrize("simulated", [True, False])
def test_the_page_says_it(simulated):
    """Also where the prediction itself is withheld."""
    app = AppTest.from_function(page, args=(simulated,), default_timeout=60).run()
    assert not app.exception
    assert app.warning[0].value == "The air around the head has an intensity of 10, expected 0."
    assert app.caption[0].value == f"Network demo\\: {NOTE}."
    assert any("(70.0%)" in element.value for element in app.markdown) is simulated


def compare_page():
    from types import SimpleNamespace

    from mriinterp.models import Prediction, load_model
    from mriinterp.ui.compare.predictions import show_predictions
    from mriinterp.ui.scan.subject import Subject

    texts = ("the air around the head has an intensity of 10, expected 0",)
    model = load_model("demo", device="cpu")

    def entry(name, network, warnings):
        prediction = Prediction({"CN": 0.0, "AD": 1.0}, {"CN": 0.3, "AD": 0.7}, "AD", warnings)
        relevance = SimpleNamespace(prediction=prediction, warnings=warnings)
        return SimpleNamespace(
            column=SimpleNamespace(subject=name, model=network),
            subject=Subject(name, None, simulated=True),
            model=model,
            known=relevance,
            relevance=relevance,
        )

    show_predictions([entry("a", "", texts), entry("a", "fold 2", texts), entry("b", "", ())])


def test_the_compare_page_says_it_once_a_scan():
    app = AppTest.from_function(compare_page, default_timeout=60).run()
    assert not app.exception
    assert [element.value for element in app.warning] == [f"Scan a\\: {ODD}."]


def test_the_report_of_a_scan_says_it(rng):
    model = load_model("demo", device="cpu")
    grid = SimpleNamespace(shape=(20, 24, 20), affine=np.diag([9.0, 9, 9, 1]) + 0.0)
    grid.affine[:3, 3] = -90, -126, -72
    volume = Volume(rng.normal(size=grid.shape).astype(np.float32), grid.affine)
    prediction = Prediction({"CN": 0.0, "AD": 1.0}, {"CN": 0.3, "AD": 0.7}, "AD", (ODD,))
    found = RelevanceMap(
        volume,
        "sensitivity",
        "AD",
        "probability",
        prediction,
        digests={"scan": "a", "model": model.digest},
        notes=(NOTE,),
    )
    for prediction_shown in (True, False):
        html = scan_report(found, volume, load_atlas("AAL"), planes3d=False, prediction=prediction_shown).html()
        assert html.count(f'<p class="note warning">{ODD[0].upper()}{ODD[1:]}.</p>') == 1
        assert f"{NOTE[0].upper()}{NOTE[1:]}." in html
    usual = replace(found, prediction=replace(prediction, warnings=()), notes=())
    assert "note warning" not in scan_report(usual, volume, load_atlas("AAL"), planes3d=False).html().split("<body")[-1]
