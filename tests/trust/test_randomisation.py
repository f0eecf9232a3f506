import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from mriinterp.compare import ssim
from mriinterp.trust import Explainer, get_measure
from mriinterp.trust.measures.randomisation import _structural_similarity, cascade
from mriinterp.trust.random_networks import layer_groups, randomised
from tests.trust.networks import Linear3D, case_of, small_network

MEASURE = get_measure("randomisation")


def others(n=2, shape=(7, 8, 9)):
    generator = torch.Generator().manual_seed(9)
    return [torch.randn((1, 1, *shape), generator=generator) for _ in range(n)]


def test_layers_go_from_the_output_down_with_their_normalisation():
    network = small_network()
    assert layer_groups(network, torch.randn(1, 1, 7, 8, 9)) == [["7"], ["4"], ["0", "1"]]
    assert not any(module._forward_hooks for module in network.modules())


def test_layers_go_in_the_order_they_run_not_of_registration():
    class Swapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(4, 2), nn.Linear(3, 4)

        def forward(self, x):
            return self.last(torch.relu(self.first(x)))

    assert layer_groups(Swapped(), torch.randn(1, 3)) == [["last"], ["first"]]


def test_only_the_copy_is_randomised_and_only_the_named_layers():
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    other = randomised(network, ["7"], seed=0)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    changed = {name for name, value in other.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"7.weight", "7.bias"}
    again = randomised(network, ["7"], seed=0)
    assert torch.equal(again[7].weight, other[7].weight)


def test_random_state_of_the_caller_is_left_alone():
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    randomised(small_network(), ["0"], seed=1)
    torch.manual_seed(4)
    assert torch.equal(torch.rand(3), expected)


def test_gradient_of_a_linear_network_passes():
    """Its map is the weights: the same for all subjects, and gone with the weights."""
    case = case_of(Linear3D(), others=others())
    values = MEASURE.run(case, Explainer("sensitivity")).values
    assert values["rho_subjects"] == pytest.approx(1)
    assert abs(values["rho_random"]) < 0.2
    assert values["excess"] < -0.8


def test_a_map_of_the_scan_alone_fails():
    shape = (12, 13, 14)  # windows of SSIM fit in
    case = case_of(Linear3D(shape), shape, others=others(shape=shape))
    values = MEASURE.run(case, Explainer("null_intensity")).values
    assert values["rho_random"] == pytest.approx(1)
    assert values["ssim_random"] == pytest.approx(1)
    assert abs(values["ssim_subjects"]) < 0.5
    assert values["excess"] > 0.5


def test_structural_similarity_has_no_meaning_where_no_window_fits():
    values = MEASURE.run(case_of(small_network(), others=others()), Explainer("null_intensity")).values
    assert values["rho_random"] == pytest.approx(1)
    assert np.isnan([values["ssim_random"], values["ssim_subjects"]]).all()


def test_structural_similarity_is_that_of_the_whole_map(rng):
    """The box around the mask is taken for speed, with all that windows of its voxels hold."""
    a, b, mask = rng.random((20, 21, 22)), rng.random((20, 21, 22)), np.zeros((20, 21, 22), bool)
    mask[3:11, 6:9, 8:20] = True
    a[6, 7, 10] = b[6, 7, 10] = 1  # the largest value, by which maps are scaled, inside the box
    assert _structural_similarity(a, b, mask) == pytest.approx(ssim(a, b, mask), rel=1e-12)
    assert _structural_similarity(a, np.where(mask, 0, b), mask) == 0


def test_cascade_ends_with_a_wholly_random_network():
    case = case_of(small_network(), others=others(1))
    explainer = Explainer("sensitivity")
    steps = list(cascade(case, explainer, explainer(case)))
    assert [name for name, _ in steps] == ["7", "4", "0"]
    expected = explainer(case, module=randomised(case.module, ["7", "4", "0", "1"], 0))
    np.testing.assert_array_equal(steps[-1][1], expected)


def test_likeness_is_the_mean_over_the_random_networks():
    case = case_of(small_network(), others=others(1))
    explainer = Explainer("sensitivity")
    names = ["7", "4", "0", "1"]
    original, inside = abs(explainer(case)), case.mask
    alike = [
        spearmanr(original[inside], abs(explainer(case, module=randomised(case.module, names, seed)))[inside]).statistic
        for seed in (5, 6, 7)
    ]
    found = MEASURE.run(case, explainer, networks=3, seed=5)
    assert found.values["rho_random"] == pytest.approx(np.mean(alike))
    assert found.values["rho_spread"] == pytest.approx(np.std(alike, ddof=1))
    assert found.values["excess"] == pytest.approx(np.mean(alike) - found.values["rho_subjects"])
    assert found.values["networks"] == 3
    assert found.details["random"] == pytest.approx(alike)
    assert found.details["rho"][-1] == pytest.approx(alike[0])


def test_random_networks_without_a_map_are_left_out(monkeypatch):
    """Unless all are: then nothing can be compared."""
    case = case_of(small_network(), others=others(1))
    explainer = Explainer("sensitivity")

    def dead(module, names, seed):
        other = randomised(module, names, seed)
        if seed in empty:
            for parameter in other.parameters():
                parameter.data.zero_()
        return other

    monkeypatch.setattr("mriinterp.trust.random_networks.randomised", dead)
    empty = {1}
    found = MEASURE.run(case, explainer, networks=3)
    known = [rho for rho in found.details["random"] if rho is not None]
    assert found.details["random"][1] is None
    assert found.values["rho_random"] == pytest.approx(np.mean(known))
    empty = {0, 1, 2}
    found = MEASURE.run(case, explainer, networks=3)
    assert found.details["random"] == [None] * 3
    assert (found.values["rho_random"], found.values["ssim_random"]) == (0, 0)
    assert np.isnan(found.values["rho_spread"])


def test_an_empty_map_is_like_no_other():
    """Neither a subject's own nor another subject's: a ρ of 0 would be taken for a difference."""
    case = case_of(small_network(), others=others(2))
    explainer = Explainer("sensitivity")
    values = MEASURE.run(case, explainer, np.zeros(case.mask.shape), networks=2).values
    assert values["empty"] == 1
    assert np.isnan([values[name] for name in ("excess", "rho_random", "rho_subjects", "ssim_random")]).all()
    dark = case_of(small_network(), others=[torch.zeros(1, 1, 7, 8, 9), others()[0]])
    shown = Explainer("gradient_x_input")  # of an image of zeros: nothing
    one = case_of(small_network(), others=others()[:1])
    found = [MEASURE.run(each, shown).values["rho_subjects"] for each in (dark, one)]
    assert found[0] == pytest.approx(found[1])
    nothing = MEASURE.run(case_of(small_network(), others=dark.others[:1]), shown).values
    assert np.isnan([nothing["rho_subjects"], nothing["excess"]]).all()
    assert nothing["empty"] == 0
