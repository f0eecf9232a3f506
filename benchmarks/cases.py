"""The networks, grids and occlusions that are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mriinterp.incremental import grid_boxes
from mriinterp.models.classification3d import ClassificationModel3D
from mriinterp.models.ncomms2022 import Ncomms2022

COARSE, FINE, PUBLISHED = (113, 137, 113), (193, 229, 193), (182, 218, 182)


@dataclass(frozen=True)
class Case:
    """One row: a network on a grid, what is occluded, and every how many windows are timed where a part stands for all."""

    name: str
    title: str
    make: Callable[[], nn.Module]
    shape: tuple[int, int, int]
    size: int = 0
    stride: int = 0
    quick: bool = False
    slow: bool = False
    peers: bool = False
    sample: int = 5
    every: int = 1

    @property
    def what(self) -> str:
        """The occlusion in words."""
        return f"size {self.size}, stride {self.stride}" if self.size else "116 AAL areas"

    def build(self, device: torch.device) -> tuple[nn.Module, Tensor, list]:
        """Build a network in eval mode with batch norms that are not trivial, an image, and the regions."""
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        module = self.make().eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm3d):
                layer.running_mean.normal_(0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 2, generator=generator)
        x = torch.rand(1, 1, *self.shape, generator=generator)
        regions = grid_boxes(self.shape, self.size, self.stride) if self.size else areas(self.shape)
        return module.to(device), x.to(device), regions


def areas(shape: tuple[int, int, int]) -> list[np.ndarray]:
    """Return the masks of the AAL areas on the 1.5 mm grid."""
    from mriinterp.areas.atlas import load_atlas
    from mriinterp.image.volume import Grid

    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    affine[:3, 3] = [-84, -120, -72]
    atlas = load_atlas("AAL").on(Grid(shape, affine))
    labels = np.asarray(atlas.labels.data)
    return [labels == label for label in atlas.areas["label"]]


def _resnet18() -> nn.Module:
    from monai.networks.nets import resnet18

    return resnet18(spatial_dims=3, n_input_channels=1, num_classes=2)


def _densenet121() -> nn.Module:
    from monai.networks.nets import DenseNet121

    return DenseNet121(spatial_dims=3, in_channels=1, out_channels=2)


def _paper(features: int) -> Callable[[], nn.Module]:
    return lambda: ClassificationModel3D(features)


CASES = (
    Case("coarse-40", "paper's network, 113×137×113", _paper(128), COARSE, 40, 25, quick=True, peers=True),
    Case("coarse-10", "paper's network, 113×137×113", _paper(128), COARSE, 10, 5, quick=True),
    Case("coarse-aal", "paper's network, 113×137×113", _paper(128), COARSE, quick=True),
    Case("fine-50", "paper's network, 193×229×193", _paper(5120), FINE, 50, 25, sample=3),
    Case("fine-10", "paper's network, 193×229×193", _paper(5120), FINE, 10, 5, slow=True, sample=3),
    Case("ncomms2022", "Qiu et al. 2022, 182×218×182", lambda: Ncomms2022({"COG": (100, 1)}), PUBLISHED, 40, 25),
    Case("resnet18", "MONAI ResNet-18, 113×137×113", _resnet18, COARSE, 40, 25, slow=True, sample=2, every=6),
    Case("resnet18-10", "MONAI ResNet-18, 113×137×113", _resnet18, COARSE, 10, 25, slow=True, sample=2, every=6),
    Case("densenet121", "MONAI DenseNet-121, 113×137×113", _densenet121, COARSE, 40, 25, slow=True, sample=2, every=6),
)
