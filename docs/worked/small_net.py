"""A network of two blocks and a linear layer."""

from __future__ import annotations

from torch import Tensor, nn

from mriinterp.models.architecture_registry import register_architecture


@register_architecture("small_net", label="Two blocks and a linear layer")
class SmallNet(nn.Module):
    """Two convolution blocks, the mean over space, and two classes."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(
            nn.Conv3d(1, 4, 3), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(4, 8, 3), nn.ReLU()
        )
        self.dense = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, 1, i, j, k) to logits (n, 2)."""
        return self.dense(self.blocks(x).mean(dim=(2, 3, 4)))
