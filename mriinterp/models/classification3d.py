"""The network of Rieke et al. 2018."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ClassificationModel3D"]


class ClassificationModel3D(nn.Module):
    """Four convolution blocks and three dense layers, two classes.

    Layer names are those of the original code, so that its weights load
    unchanged.

    Parameters
    ----------
    features : int
        Number of inputs of `dense_1`: 128 for scans of 113×137×113 voxels
        (1.5 mm), 5120 for 193×229×193 (1 mm).
    classes : int
        Number of outputs.
    dropout, dropout2 : float
        Dropout before `dense_1` and `dense_2`; only training uses them.
    """

    def __init__(self, features: int = 128, classes: int = 2, dropout: float = 0.0, dropout2: float = 0.0):
        super().__init__()
        self.Conv_1 = nn.Conv3d(1, 8, 3)
        self.Conv_1_bn = nn.BatchNorm3d(8)
        self.Conv_2 = nn.Conv3d(8, 16, 3)
        self.Conv_2_bn = nn.BatchNorm3d(16)
        self.Conv_3 = nn.Conv3d(16, 32, 3)
        self.Conv_3_bn = nn.BatchNorm3d(32)
        self.Conv_4 = nn.Conv3d(32, 64, 3)
        self.Conv_4_bn = nn.BatchNorm3d(64)
        self.dense_1 = nn.Linear(features, 128)
        self.dense_2 = nn.Linear(128, 64)
        self.dense_3 = nn.Linear(64, classes)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(dropout2)

    def forward(self, x: Tensor) -> Tensor:
        """Map scans (n, 1, i, j, k) to logits (n, classes)."""
        x = F.max_pool3d(self.relu(self.Conv_1_bn(self.Conv_1(x))), 2)
        x = F.max_pool3d(self.relu(self.Conv_2_bn(self.Conv_2(x))), 3)
        x = F.max_pool3d(self.relu(self.Conv_3_bn(self.Conv_3(x))), 2)
        x = F.max_pool3d(self.relu(self.Conv_4_bn(self.Conv_4(x))), 3)
        x = self.dropout(torch.flatten(x, 1))
        x = self.dropout2(self.relu(self.dense_1(x)))
        return self.dense_3(self.relu(self.dense_2(x)))
