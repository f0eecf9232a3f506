"""Agreement of areas' relevance with expected weights, and a table beside the null maps."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas import load_atlas
from mriinterp.cli import main
from mriinterp.trust import NULL_MAPS
from mriinterp.trust.beside_nulls import beside_null_maps, shown_table
from mriinterp.trust.expected import expected_agreement, read_expected
from tests.trust.tiny_study import TinyStudy

WEIGHTS = np.array([3.0, 0, 2, 0, 1])


def table(tmp_path, text):
    path = tmp_path / "pattern.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_agreement_by_hand():
    same = expected_agreement(np.array([0.9, 0.1, 0.8, 0.0, 0.5]), WEIGHTS)
    assert same["ndcg"] == pytest.approx(1)
    assert same["top_k"] == 1
    other = expected_agreement(np.array([0.0, 0.9, 0.5, 0.8, 0.1]), WEIGHTS)
    gain = np.array([0, 0, 2, 1, 3]) @ (1 / np.log2([2, 3, 4, 5, 6]))
    assert other["ndcg"] == pytest.approx(gain / (np.array([3, 2, 1]) @ (1 / np.log2([2, 3, 4]))))
    assert other["top_k"] == pytest.approx(1 / 3)
    assert other["rho"] < 0 < same["rho"]
    tied = expected_agreement(np.array([1.0, 0, 0, 0, 0]), WEIGHTS)
    assert tied["top_k"] == pytest.approx((1 + 2 * 2 / 4) / 3)  # two places for four ties, two of which are expected
    assert all(np.isnan(value) for value in expected_agreement(np.zeros(5), WEIGHTS).values())


def test_weights_of_both_sides_and_of_one(tmp_path):
    atlas = load_atlas("AAL")
    names = dict(zip(atlas.areas["name"], atlas.areas["label"], strict=True))
    weights = read_expected(table(tmp_path, "area\tweight\nHippocampus\t2\nAmygdala_L\t1\n"), atlas)
    assert {name for name, label in names.items() if weights[label]} == {"Hippocampus_L", "Hippocampus_R", "Amygdala_L"}
    assert weights[names["Hippocampus_R"]] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\tweight\nHippocampus\t1\n", "columns area and weight, got name, weight"),
        ("area\tweight\nHipocampus\t1\n", "got Hipocampus; available: "),
        ("area\tweight\nHippocampus\tmuch\n", "weights of 0 or more, got 'much' for Hippocampus"),
        ("area\tweight\nHippocampus\t-1\n", "got '-1'"),
        ("area\tweight\nHippocampus\tinf\n", "got 'inf'"),
        ("area\tweight\nHippocampus\t1\nHippocampus_L\t2\n", "each area once, got Hippocampus_L again"),
        ("area\tweight\nHippocampus\t0\n", "differ between areas"),
        ("", "got an empty file"),
    ],
)
def test_a_table_that_says_nothing_is_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read_expected(table(tmp_path, text), load_atlas("AAL"))


def test_a_method_beats_the_null_maps_only_if_it_beats_each():
    rng = np.random.default_rng(0)
    means = {"good": 0.8, "half": 0.4, "null_a": 0.2, "null_b": 0.5}
    rows = [
        (method, subject, "rho", mean + 0.05 * rng.standard_normal())
        for method, mean in means.items()
        for subject in range(8)
    ]
    found = beside_null_maps(pd.DataFrame(rows, columns=["method", "subject", "quantity", "value"]))
    assert found["method"].tolist() == ["good", "half", "null_b", "null_a"]
    assert found["beats"].tolist() == [True, False, False, False]
    shown = shown_table(found, {"rho": "ρ"})
    assert shown["ρ"].iloc[0].endswith(" *")
    single = beside_null_maps(pd.DataFrame(rows[::8], columns=["method", "subject", "quantity", "value"]))
    assert not single["beats"].any()  # one scan proves nothing


def test_the_command_measures_the_studys_network(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mriinterp.study.load_study", lambda source, **options: TinyStudy())
    path = table(tmp_path, "area,weight\nHippocampus,3\nAmygdala,2\nParaHippocampal,1\n")
    options = ["--expected", str(path), "--methods", "sensitivity", "--subjects", "2", "--out", str(tmp_path / "out")]
    assert main(["trust", "demo", *options]) == 0
    assert "nDCG" in capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "out" / "expected.tsv", sep="\t")
    assert set(rows["quantity"]) == {"rho", "ndcg", "top_k"}
    assert set(rows["subject"]) == {"sim-002", "sim-004"}
    assert set(rows["method"]) == {"sensitivity", *NULL_MAPS}
    assert "SIMULATED" in (tmp_path / "out" / "expected.html").read_text(encoding="utf-8").upper()
