"""The words that pages, figures, reports and files use for the values of a map."""

import numpy as np
import pytest

from mriinterp.base.map_parts import PARTS, part_of, part_shares
from mriinterp.methods import get_method, method_names
from mriinterp.methods.meaning import Meaning, caption_words, file_stem, percent, scale_words

VALUES = np.array([0.034, -0.5, -0.466, 0.0, np.nan])


def test_parts_are_the_whole_and_keep_their_sign():
    supports, against = part_of(VALUES, "supports"), part_of(VALUES, "against")
    assert supports.tolist() == [0.034, 0, 0, 0, 0]
    assert against.tolist() == [0, -0.5, -0.466, 0, 0]
    np.testing.assert_array_equal(supports + against, part_of(VALUES, "both"))
    assert part_shares(VALUES) == pytest.approx({"both": 1, "supports": 0.034, "against": 0.966})
    assert np.isnan(part_shares(np.zeros(3))["supports"])
    with pytest.raises(ValueError, match="got 'positive'; available: both, supports, against"):
        part_of(VALUES, "positive")


@pytest.mark.parametrize("name", method_names())
def test_every_method_names_what_it_explains(name):
    for score in ("probability", "logit", "margin", "raw"):
        meaning = Meaning(get_method(name), score, "CN")
        for part in PARTS:
            words = meaning.words(part)
            assert "CN" in words
            assert "{" not in words
            assert "the P(" not in words
        assert meaning.name("supports") != meaning.name("against")
        assert meaning.hidden("both", VALUES) == ""
        assert "96.6% of the relevance" in meaning.hidden("supports", VALUES)
        assert "3.4% of the relevance" in meaning.hidden("against", VALUES)


def test_evidence_is_for_or_against_and_a_gradient_is_neither():
    occlusion = Meaning(get_method("occlusion"), "probability", "CN")
    assert occlusion.words() == "fall of P(CN) when the box is hidden: supports CN / speaks against CN"
    assert occlusion.words("against") == "fall of P(CN) when the box is hidden: speaks against CN"
    assert occlusion.name("supports") == "Supports CN"
    for name in ("sensitivity", "smoothgrad", "guided_backprop", "guided_grad_cam"):
        assert Meaning(get_method(name), "logit", "CN").ends == (
            "brighter lowers the logit of CN",
            "brighter raises the logit of CN",
        )
    scale = Meaning(get_method("occlusion"), "raw", "COG")
    assert scale.ends == ("lowers COG", "raises COG")
    assert Meaning(get_method("layer_cam"), "probability", "CN", signed=False).words() == "activation that raises P(CN)"


def test_nothing_is_hidden_where_the_other_sign_is_missing():
    meaning = Meaning(get_method("occlusion"), "probability", "AD")
    assert meaning.hidden("supports", np.array([1.0, 2.0])) == ""
    assert meaning.hidden("against", np.array([1.0, 2.0])) == "Hidden: what supports AD, 100.0% of the relevance."


def test_cohorts_have_no_single_class():
    meaning = Meaning(get_method("occlusion"), "probability", "predicted")
    assert meaning.unit == "fall of P(the class predicted for each scan) when the box is hidden"
    assert (
        Meaning(get_method("occlusion"), "probability")
        .words()
        .endswith("supports the output / speaks against the output")
    )


def test_a_share_that_is_not_nothing_is_not_written_as_nothing():
    assert [percent(v) for v in (0, 0.0004, 0.0346, 0.9996, 1)] == [
        "0.0%", "under 0.1%", "3.5%", "over 99.9%", "100.0%",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        ([(0, 1), (0, 1)], "All maps share one colour scale."),
        ([None, None], "Each map has its own colour scale."),
        ([(0, 1), (0, 1), None, None], "A and B share one colour scale; C and D have their own."),
        ([(0, 1), (0, 1), None], "A and B share one colour scale; C has its own."),
        ([(0, 1), (0, 1), (0, 2), (0, 2)], "A and B share one colour scale; C and D share one colour scale."),
        ([None], ""),
    ],
)
def test_scales_are_said_once_and_without_contradiction(ranges, words):
    assert scale_words("ABCD"[: len(ranges)], ranges) == words


def test_captions_and_file_names():
    assert caption_words("x", "Occlusion", "AD", part="Supports AD", simulated=True) == (
        "x · Occlusion · explains AD · Supports AD · Simulated data"
    )
    assert caption_words("x", "Occlusion") == "x · Occlusion"
    assert file_stem("sim-003", "occlusion", "", "class: A/D") == "sim-003_occlusion_class-A-D"
