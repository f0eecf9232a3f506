"""Training parts, on scans so small that they take no time."""

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.base.progress import Cancelled
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.training.dataset import ScanDataset, visible_shape
from mriinterp.training.loop import FitSettings, _Fit, fit, margins


class Tiny(nn.Module):
    """One convolution, global mean, one dense layer."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv3d(1, 4, 3)
        self.dense = nn.Linear(4, 2)

    def forward(self, x):
        return self.dense(torch.relu(self.conv(x)).mean((2, 3, 4)))


@pytest.fixture
def scans(rng):
    """40 noise scans of (7, 8, 9); those of class 1 are brighter in one corner."""
    labels = np.arange(40) % 2
    data = rng.normal(size=(40, 7, 8, 9)).astype(np.float32)
    data[labels == 1, :3, :3, :3] += 2.0
    return data, labels


def test_visible_shape_is_what_the_network_sees():
    """Against the network: cutting there changes nothing, cutting one voxel more does."""
    shape = visible_shape((113, 137, 113))
    assert shape == (78, 114, 78)
    assert visible_shape((193, 229, 193)) == (186, 222, 186)
    torch.manual_seed(0)
    module = ClassificationModel3D().eval()
    x = torch.rand(1, 1, 113, 137, 113)
    with torch.inference_mode():
        whole = module(x)
        cut = module(x[:, :, : shape[0], : shape[1], : shape[2]])
        changed = x.clone()
        changed[:, :, shape[0] - 1 :] += 5
        unseen = x.clone()
        unseen[:, :, shape[0] :] += 5
        assert torch.equal(module(unseen), whole)
        assert not torch.allclose(module(changed), whole, atol=1e-4)
    torch.testing.assert_close(cut, whole, atol=1e-5, rtol=1e-5)


def test_visible_shape_needs_a_feature():
    with pytest.raises(ValueError, match="at least one feature"):
        visible_shape((20, 20, 20))


def test_dataset_reads_only_what_is_asked_for(scans):
    data, labels = scans
    asked = []

    def load(k):
        asked.append(k)
        return data[k]

    dataset = ScanDataset(load, labels)
    x, y = dataset[5]
    assert asked == [5]
    assert y == labels[5]
    np.testing.assert_array_equal(x[0].numpy(), data[5])


def test_dataset_crops_flips_and_shifts(scans):
    data, labels = scans
    flips = ScanDataset(data.__getitem__, labels, flip=True, crop=(4, 8, 9))
    kinds = set()
    for epoch in range(8):
        flips.epoch = epoch
        x = flips[3][0][0].numpy()
        kinds.add("plain" if np.array_equal(x, data[3][:4]) else "flipped")
        assert np.array_equal(x, data[3][:4]) or np.array_equal(x, data[3][::-1][:4])
    assert kinds == {"plain", "flipped"}
    shifted = ScanDataset(data.__getitem__, labels, shift=2)[0][0][0].numpy()
    best = max(
        ((shifted == np.roll(data[0], (i, j, k), (0, 1, 2))).mean(), (i, j, k))
        for i in range(-2, 3)
        for j in range(-2, 3)
        for k in range(-2, 3)
    )
    assert best[0] > 0.35
    lost = np.prod([1 - abs(s) / n for s, n in zip(best[1], data[0].shape, strict=True)])
    assert best[0] == pytest.approx(lost)


def test_intensity_variation_keeps_the_background():
    scan = np.zeros((4, 4, 4), np.float32)
    scan[1:3] = 2.0
    x = ScanDataset(lambda _: scan, [0], intensity=0.3)[0][0][0].numpy()
    assert (x[0] == 0).all()
    assert (x[1:3] != 2.0).all()


def test_dataset_depends_on_seed_epoch_and_position_only(scans):
    data, labels = scans
    one, two = (ScanDataset(data.__getitem__, labels, flip=True, shift=1, intensity=0.1, seed=4) for _ in range(2))
    _ = one[7]
    torch.testing.assert_close(one[3][0], two[3][0], atol=0, rtol=0)
    two.epoch = 1
    assert not torch.equal(one[3][0], two[3][0])


def test_fit_lowers_the_loss_and_keeps_the_best_epoch(scans):
    data, labels = scans
    module = Tiny()
    train = ScanDataset(data[:28].__getitem__, labels[:28])
    check = ScanDataset(data[28:].__getitem__, labels[28:])
    steps = []
    settings = FitSettings(epochs=15, batch=7, learning_rate=0.03, patience=15)
    history = fit(module, train, check, settings, progress=lambda done, total: steps.append((done, total)))
    assert history.train_loss[-1] < 0.6 * history.train_loss[0]
    assert history.best == int(np.argmin(history.validation_loss))
    assert not module.training
    margin = margins(module, check)
    assert ((margin > 0) == (labels[28:] == 1)).mean() > 0.9
    loss = np.log1p(np.exp(-margin * (2 * labels[28:] - 1))).mean()
    assert loss == pytest.approx(history.validation_loss[history.best], rel=1e-4)
    assert steps[-1] == (60, 60)


def test_fit_is_repeatable_and_can_be_cancelled(scans):
    data, labels = scans
    train = ScanDataset(data[:28].__getitem__, labels[:28], flip=True)
    check = ScanDataset(data[28:].__getitem__, labels[28:])
    results = []
    for _ in range(2):
        module = Tiny()
        fit(module, train, check, FitSettings(epochs=2, batch=7))
        results.append(margins(module, check))
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    with pytest.raises(Cancelled):
        fit(Tiny(), train, check, FitSettings(epochs=2), cancel=lambda: True)


def test_balanced_sampling_draws_as_many_of_each_class_and_weighs_none(scans):
    labels = np.array([0] * 36 + [1] * 4)
    data = ScanDataset(lambda at: scans[0][at], labels)
    run = _Fit(Tiny(), data, FitSettings(balanced=True, sampling="balanced"))
    assert run.weights is None
    drawn = np.concatenate([y.numpy() for _ in range(20) for _, y in run.batches])
    assert drawn.mean() == pytest.approx(0.5, abs=0.06)
    again = _Fit(Tiny(), data, FitSettings(balanced=True, sampling="balanced"))
    assert np.array_equal(np.concatenate([y.numpy() for _ in range(20) for _, y in again.batches]), drawn)
    usual = _Fit(Tiny(), data, FitSettings(balanced=True))
    np.testing.assert_allclose(usual.weights, [40 / 72, 5])
    assert sorted(np.concatenate([y.numpy() for _, y in usual.batches])) == sorted(labels)
    with pytest.raises(ValueError, match="sampling of shuffled or balanced, got 'both'"):
        FitSettings(sampling="both")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_mixed_precision_takes_the_same_steps_nearly(scans, kind):
    """As on CUDA: convolutions in half precision, with a scaled loss for float16; loss and weights in single."""
    data, labels = scans
    losses, weights = [], []
    for mixed in (False, True):
        one = _Fit(Tiny(), ScanDataset(data.__getitem__, labels), FitSettings(epochs=2, batch=8, learning_rate=1e-2))
        if mixed:
            one.mixed, one.kind = True, kind
            one.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=kind == torch.float16)
        losses.append([one.step(*batch) for batch in one.batches])
        weights.append(torch.cat([w.detach().flatten() for w in one.module.parameters()]))
        assert weights[-1].dtype == torch.float32
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.02)
    assert losses[1] != losses[0]  # the half precision was really used
    assert torch.nn.functional.cosine_similarity(weights[0], weights[1], 0) > 0.999
