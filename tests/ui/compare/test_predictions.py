"""What several networks say, in one line."""

from types import SimpleNamespace

import pytest

from mriinterp.models import Prediction
from mriinterp.ui.compare.predictions import short_words


def entry(subject, network, p_ad, *, group="AD", diagnosed=True, kind="classes"):
    prediction = Prediction({}, {"CN": 1 - p_ad, "AD": p_ad}, "AD" if p_ad > 0.5 else "CN")
    return SimpleNamespace(
        column=SimpleNamespace(subject=subject, model=network),
        subject=SimpleNamespace(name=subject, group=group, diagnosed_by=lambda model: diagnosed),
        model=SimpleNamespace(heads=[SimpleNamespace(kind=kind)]),
        relevance=SimpleNamespace(prediction=prediction),
    )


def test_networks_that_agree_are_one_sentence():
    entries = [entry("s", network, p) for network, p in (("", 0.96), ("b", 0.98), ("c", 0.97))]
    assert short_words(entries) == "**s**, true group AD · all 3 networks say **AD** (96–98%)"


def test_networks_that_do_not_agree_are_counted():
    entries = [entry("s", network, p) for network, p in (("", 0.9), ("b", 0.9), ("c", 0.2))]
    assert short_words(entries).endswith("2 of 3 networks say **AD** (90%) · 1 of 3 networks says **CN** (80%)")


def test_scans_have_two_words_each():
    entries = [entry("s", "", 0.9), entry("t", "", 0.1, group="CN"), entry("u", "", 0.2, group=None)]
    assert short_words(entries) == "Network says: **s** AD 90% (true AD), **t** CN 90% (true CN), **u** CN 80%"


@pytest.mark.parametrize("more", [{"diagnosed": False}, {"kind": "scale"}])
def test_what_may_not_be_said_so_is_not(more):
    assert short_words([entry("s", "", 0.9), entry("t", "", 0.1, **more)]) == ""
