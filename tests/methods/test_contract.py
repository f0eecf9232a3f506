"""What every registered method promises, whatever it computes."""

import copy
import threading

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.base.progress import Cancelled
from mriinterp.explain import relevance
from mriinterp.methods import get_method, method_names, preset_names

from .networks import SHAPE, SHAPE_2D, image, labels_of, small_2d, small_3d

# Enough boxes and samples to see a pattern, few enough for a quick test.
SMALL = {"size": 3, "stride": 2, "samples": 3, "steps": 4}
every_method = pytest.mark.parametrize("name", method_names())


def params_for(name):
    return {key: value for key, value in SMALL.items() if key in get_method(name).parameters}


def run(name, module, x, **more):
    context = {"labels": labels_of(x.shape[2:]), **more.pop("context", {})}
    return relevance(module, x, name, target=more.pop("target", 1), context=context, **params_for(name), **more)


def in_2d(name):
    """A network without any ReLU, or with one for methods that refuse to do without."""
    net = small_2d()
    net[1] = nn.LeakyReLU()
    try:
        run(name, net, image(SHAPE_2D))
    except ValueError as error:
        if "with ReLU" not in str(error):
            raise
        return small_2d()
    return net


@every_method
def test_shape_type_sign(name):
    x = image(SHAPE)
    result = run(name, small_3d(), x)
    assert result.shape in {(1, 1, *SHAPE)}
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()
    assert not result.requires_grad
    assert result.abs().max() > 0
    if get_method(name).signed:
        both = torch.cat([result, run(name, small_3d(), x, target=0)])
        assert both.min() < 0, "a signed map is not clipped"


@every_method
def test_2d_and_channels(name):
    result = run(name, in_2d(name), image(SHAPE_2D))
    assert result.shape == (1, 1, *SHAPE_2D)
    assert result.abs().max() > 0
    two = run(name, small_3d(channels=2), image(SHAPE, channels=2))
    assert two.shape[0] == 1
    assert two.shape[1] in (1, 2)
    assert two.shape[2:] == SHAPE


@every_method
def test_same_again(name):
    x = image(SHAPE)
    torch.manual_seed(1)
    first = run(name, small_3d(), x)
    torch.manual_seed(2)
    assert torch.equal(first, run(name, small_3d(), x))


def state_of(module):
    return {
        "training": [child.training for child in module.modules()],
        "wants": [p.requires_grad for p in module.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "values": [t.clone() for t in module.state_dict().values()],
        "hooks": [
            len(hooks)
            for child in module.modules()
            for hooks in (
                child._forward_hooks,
                child._forward_pre_hooks,
                child._backward_hooks,
                child._backward_pre_hooks,
            )
        ],
        "forward": ["forward" in vars(child) for child in module.modules()],
    }


def same_state(a, b):
    tensors = ("grads", "values")
    plain = all(a[key] == b[key] for key in a if key not in tensors)
    return plain and all(
        (u is None and v is None) or torch.equal(u, v) for key in tensors for u, v in zip(a[key], b[key], strict=True)
    )


def odd_state():
    """A network in the middle of being trained, one layer frozen."""
    module = small_3d()
    module.train()
    module[1].eval()
    module[0].weight.requires_grad_(False)
    module(image(SHAPE).repeat(2, 1, 1, 1, 1)).sum().backward()
    return module


@every_method
def test_network_left_as_it_was(name):
    module, x = odd_state(), image(SHAPE)
    before, voxels = state_of(module), x.clone()
    run(name, module, x)
    assert same_state(before, state_of(module))
    assert torch.equal(x, voxels)
    assert x.grad is None


class Broken(nn.Module):
    """Fails in the middle of its forward pass when told to."""

    def __init__(self, network):
        super().__init__()
        self.network, self.fails = network, True

    def forward(self, x):
        x = self.network[:6](x)
        if self.fails:
            raise OverflowError("broken on purpose")
        return self.network[6:](x)


@every_method
def test_network_left_as_it_was_when_it_raises(name):
    module, x = Broken(odd_state()), image(SHAPE)
    before = state_of(module)
    with pytest.raises(OverflowError, match="on purpose"):
        run(name, module, x)
    assert same_state(before, state_of(module))
    module.fails = False
    clean = run(name, module, x)
    torch.testing.assert_close(clean, run(name, copy.deepcopy(module).eval(), x))
    logits = module.eval()(x)
    assert torch.equal(logits, Broken.forward(module, x)), "no operator stays replaced"


@every_method
def test_network_in_eval_mode_is_explained(name):
    """Batch norm and dropout as in prediction, whatever mode the network was left in."""
    x = image(SHAPE)
    training = small_3d().train()
    assert torch.equal(run(name, training, x), run(name, small_3d(), x))


@every_method
def test_inside_no_grad_and_inference_mode(name):
    x, module = image(SHAPE), small_3d()
    expected = run(name, module, x)
    with torch.no_grad():
        assert torch.equal(run(name, module, x), expected)
    with torch.inference_mode():
        result = run(name, module, x.clone())
    assert torch.equal(result, expected)


@every_method
def test_input_changed_in_place_by_the_network(name):
    class Centred(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = small_3d()

        def forward(self, x):
            x += 1
            return self.network(x)

    x = image(SHAPE)
    before = x.clone()
    result = run(name, Centred(), x)
    assert torch.equal(x, before)
    method = get_method(name)
    if method.hides and "fill" in method.parameters:
        constant = {"context": {"reference": torch.full_like(x, 1.0)}, "fill": "reference"}
        torch.testing.assert_close(result, run(name, small_3d(), x + 1, **constant), rtol=1e-5, atol=1e-6)
    if method.per_unit or method.kind == "activation":  # no term of x
        torch.testing.assert_close(result, run(name, small_3d(), x + 1), rtol=1e-5, atol=1e-7)


@every_method
def test_two_threads_on_one_network(name):
    module, images = small_3d(), [image(SHAPE, seed) for seed in (3, 4)]
    alone = [run(name, module, x) for x in images]
    lock, together, start = threading.RLock(), [None, None], threading.Barrier(2)

    def work(i):
        start.wait()
        for _ in range(3):
            with lock:  # as explain does
                together[i] = run(name, module, images[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for expected, got in zip(alone, together, strict=True):
        assert torch.equal(expected, got)


@every_method
def test_modes_of_another_thread_do_not_leak(name):
    """Guided backpropagation in one thread must not guide the plain gradient of another network."""
    expected = relevance(small_3d(), image(SHAPE), "sensitivity", target=1)
    stop, results = threading.Event(), []

    def other():
        while not stop.is_set() or not results:
            results.append(relevance(small_3d(), image(SHAPE), "sensitivity", target=1))

    thread = threading.Thread(target=other)
    thread.start()
    try:
        for _ in range(10):
            run(name, small_3d(), image(SHAPE))
    finally:
        stop.set()
        thread.join()
    assert all(torch.equal(expected, result) for result in results)


@every_method
def test_described(name):
    method = get_method(name)
    for text in (method.label, method.reference, method.summary, method.unit, method.caution):
        assert text
        assert text == text.strip()
    assert method.summary.endswith(".")
    assert "{score}" in method.unit
    for parameter in method.parameters.values():
        assert parameter.param.help, parameter.name
        assert parameter.check(parameter.default) == parameter.default
        assert parameter.describe()
    assert "score" in method.parameters
    for preset in method.presets:
        assert method.resolve({}, preset).keys() == method.parameters.keys()
        assert preset in preset_names()


@every_method
def test_wrong_use(name):
    module, x = small_3d(), image(SHAPE)
    with pytest.raises(ValueError, match="available"):
        relevance(module, x, name, target=0, colour="red")
    with pytest.raises(ValueError, match="preset"):
        relevance(module, x, name, target=0, preset="nobody2099")
    with pytest.raises(ValueError, match="score"):
        run(name, module, x, score="joy")
    with pytest.raises(ValueError, match="class"):
        run(name, module, x, target=2)
    nan = x.clone()
    nan[0, 0, 2, 2, 2] = torch.nan
    with pytest.raises(ValueError, match=r"finite|NaN"):
        run(name, module, nan)


@every_method
def test_scores(name):
    x, module = image(SHAPE), small_3d(classes=3)
    choices = get_method(name).parameters["score"].choices
    assert {"logit", "margin", "raw"} <= set(choices)  # a probability where the map need not sum to the score
    maps = {score: run(name, module, x, score=score) for score in choices}
    assert torch.equal(maps["raw"], maps["logit"])
    assert not torch.allclose(maps["logit"], maps["margin"])
    single = small_3d(classes=1)
    assert run(name, single, x, target=None).abs().max() > 0, "a single output is explained as it is"
    with pytest.raises(ValueError, match="single output"):
        run(name, single, x, target=0, score="margin")


@every_method
def test_progress_and_cancel(name):
    injected = get_method(name).injected
    assert ("progress" in injected) == ("cancel" in injected)
    if "progress" not in injected:
        assert not get_method(name).hides, "long loops report"
        assert not get_method(name).counted, "long loops report"
        return
    seen = []
    run(name, small_3d(), image(SHAPE), context={"progress": lambda done, total: seen.append((done, total))})
    assert seen[-1][0] == seen[-1][1] > 1
    assert seen == sorted(seen)
    with pytest.raises(Cancelled):
        run(name, small_3d(), image(SHAPE), context={"cancel": lambda: True})


@pytest.mark.parametrize("preset", preset_names())
def test_presets_store_the_reading(preset):
    for name in method_names():
        if preset not in get_method(name).presets:
            continue
        result = relevance(
            small_3d(),
            image(SHAPE),
            name,
            target=1,
            preset=preset,
            context={"labels": labels_of(SHAPE)},
            **params_for(name),
        )
        assert result.min() >= 0
        assert np.isfinite(result.numpy()).all()
