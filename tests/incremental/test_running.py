"""Batches side by side, cancelling, memory and devices."""

import contextlib
import threading

import numpy as np
import pytest
import torch
from torch import nn

from mriinterp.base.progress import Cancelled
from mriinterp.incremental import Occluder, grid_boxes, occluded_outputs, plan
from mriinterp.incremental.device import exact_arithmetic
from mriinterp.incremental.workers import in_order

from .occlusion_networks import Plane, assert_exact, calm, plain_loop

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture
def plane():
    torch.manual_seed(0)
    network, x = calm(Plane()), torch.randn(1, 1, 60, 70)
    return network, x, grid_boxes((60, 70), 9, 4)


@pytest.mark.parametrize("count", [1, 3])
def test_results_come_in_order(count):
    """Side by side, every other task ends only after the one behind it."""
    ended = [threading.Event() for _ in range(21)]

    def task(number):
        def run():
            if count > 1 and number % 2 == 0 and number < 19:
                assert ended[number + 1].wait(30)
            ended[number].set()
            return number

        return run

    assert list(in_order(map(task, range(20)), count)) == list(range(20))


def test_a_failing_task_stops_the_rest():
    ran = []

    def task(number):
        def run():
            ran.append(number)
            if number == 2:
                raise KeyError("two")

        return run

    with pytest.raises(KeyError):
        list(in_order(map(task, range(50)), 2))
    list(in_order([lambda: None] * 2, 2))  # behind whatever is still in the queue: it has run by now
    assert sorted(ran) in ([0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4])


def test_threads_of_torch_are_as_before(plane):
    network, x, boxes = plane
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = occluded_outputs(network, x, boxes)
        seen = []
        other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
        other.start()
        other.join()
        assert torch.get_num_threads() == 2
        assert seen == [2]
        torch.set_num_threads(1)
        assert_exact(occluded_outputs(network, x, boxes), found)
    finally:
        torch.set_num_threads(before)


def test_cancelling_leaves_a_usable_object(plane):
    network, x, boxes = plane
    occluder, told = Occluder(network, x, memory_limit=400_000), []
    with pytest.raises(Cancelled):
        occluder.run(boxes, progress=lambda done, total: told.append(done), cancel=lambda: len(told) > 1)
    assert 0 < told[-1] < len(boxes)
    told.clear()
    assert_exact(occluder.run(boxes, progress=lambda done, total: told.append(done)), plain_loop(network, x, boxes))
    assert told == sorted(told)
    assert told[-1] == len(boxes)


def test_memory_limit_makes_batches_smaller(plane):
    network, x, boxes = plane
    loose, tight = plan(network, x, 9, 4), plan(network, x, 9, 4, memory_limit=200_000)
    assert tight.peak_memory_bytes < loose.peak_memory_bytes
    expected = plain_loop(network, x, boxes)
    for limit in (1, 200_000):
        assert_exact(occluded_outputs(network, x, boxes, memory_limit=limit), expected)


def test_memory_does_not_grow_with_the_number_of_windows():
    network = nn.Sequential(nn.Conv3d(1, 4, 3), nn.ReLU(), nn.Conv3d(4, 4, 3), nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(1, 1, 40, 41, 42))
    network.eval()
    peaks = [plan(network, (40, 41, 42), 8, stride).peak_memory_bytes for stride in (12, 6, 3)]
    assert max(peaks) < 1.5 * min(peaks)


def test_the_network_and_the_image_stay_as_they_are(plane):
    network, x, boxes = plane
    state = {name: value.clone() for name, value in network.state_dict().items()}
    image = x.clone()
    occluded_outputs(network, x, boxes, x.mean())
    assert torch.equal(x, image)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_low_precision_is_switched_off_and_restored():
    place = torch.backends.mkldnn.matmul
    before = place.fp32_precision
    place.fp32_precision = "bf16"
    try:
        with contextlib.suppress(KeyError), exact_arithmetic(torch.device("cpu")):
            assert place.fp32_precision == "ieee"
            raise KeyError
        assert place.fp32_precision == "bf16"
    finally:
        place.fp32_precision = before


def test_other_number_types(plane):
    network, x, boxes = plane
    network, x = network.double(), x.double()
    np.testing.assert_allclose(
        occluded_outputs(network, x, boxes[::9]), plain_loop(network, x, boxes[::9]), rtol=1e-6, atol=1e-6
    )


@needs_cuda
def test_cuda_equals_the_cpu(plane):
    network, x, boxes = plane
    expected = occluded_outputs(network, x, boxes)
    found = occluded_outputs(network.cuda(), x.cuda(), boxes)
    assert found.device.type == "cpu"
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@needs_cuda
def test_cuda_settings_are_restored(plane):
    network, x, boxes = plane
    places = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [place.fp32_precision for place in places]
    occluded_outputs(network.cuda(), x.cuda(), boxes[:3])
    assert [place.fp32_precision for place in places] == before
