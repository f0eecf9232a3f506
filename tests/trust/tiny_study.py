"""A study of eight subjects on a coarse grid, with a network small enough to run in a moment."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from mriinterp.areas.atlas import load_atlas
from mriinterp.image.template import brain_mask, template
from mriinterp.image.volume import Grid, Volume
from mriinterp.models import Head, Model, ModelCard
from mriinterp.models.normalisation import Normalisation
from mriinterp.models.weights import digest_of
from mriinterp.study import Study

GRID = Grid((22, 27, 22), np.array([[8.0, 0, 0, -84], [0, 8, 0, -120], [0, 0, 8, -72], [0, 0, 0, 1]]))
LESION = (slice(6, 9), slice(11, 14), slice(6, 9))
MARK = (slice(0, 2), slice(0, 2), slice(0, 2))  # outside the brain


class LesionNet(nn.Module):
    """Margin: how dark a place in the brain is, how bright a mark outside of it."""

    def __init__(self, lesion=1.0, mark=0.0):
        super().__init__()
        self.conv = nn.Conv3d(1, 2, 1)
        self.head = nn.Linear(2, 2)
        weight = torch.zeros((1, 2, *GRID.shape))
        weight[0, 0] = 0.01  # so that the network sees all of the scan
        weight[(0, 0, *LESION)] = -lesion
        weight[(0, 1, *MARK)] = mark
        self.register_buffer("where", weight)
        with torch.no_grad():
            self.conv.weight.fill_(1.0)
            self.conv.bias.zero_()
            self.head.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 1.0]]))
            self.head.bias.zero_()

    def forward(self, x):
        return self.head((torch.relu(self.conv(x)) * self.where).flatten(2).mean(2))


@dataclass(frozen=True)
class MadeScan:
    subject: str
    ill: bool
    mark: bool

    def load(self) -> Volume:
        rng = np.random.default_rng(int(self.subject[-3:]))
        data = template(GRID).data / 200 * (1 + 0.1 * rng.standard_normal(GRID.shape))
        if self.ill:
            data[LESION] *= 0.4
        if self.mark:
            data[MARK] = 1.0
        return Volume(data.astype(np.float32), GRID.affine)

    def fingerprint(self) -> str:
        return f"{self.subject} {self.ill} {self.mark}"


class TinyStudy(Study):
    """Four subjects a group; `marked`: the ill ones carry a mark outside the brain."""

    name = "tiny"
    title = "Tiny study (simulated)"
    simulated = True

    def __init__(self, module=None, marked=False):
        ids = [f"sim-{n:03d}" for n in range(1, 9)]
        groups = ["CN", "AD"] * 4
        self.subjects = pd.DataFrame({"id": ids, "subject": ids, "group": groups}).set_index("id", drop=False)
        self.groups, self.positive, self.classes = ("CN", "AD"), "AD", {"CN": "CN", "AD": "AD"}
        self.module, self.marked = (module or LesionNet()).eval(), marked

    def source(self, subject):
        self._check(subject)
        ill = self.group_of(subject) == "AD"
        return MadeScan(subject, ill, ill and self.marked)

    def truth(self, subject):
        data = np.zeros(GRID.shape, bool)
        data[LESION] = self.group_of(subject) == "AD"
        return Volume(data, GRID.affine)

    def model(self, device=None):
        return model_of(self.module)

    @property
    def model_recipe(self):
        raise AssertionError("the model is made here")

    @property
    def atlas_recipe(self):
        raise AssertionError("the atlas is loaded here")

    def atlas(self):
        return load_atlas("AAL")

    def brain_mask(self):
        return brain_mask(GRID)


def model_of(module):
    card = ModelCard("tiny", "LesionNet", GRID, (Head("group", ("CN", "AD")),))
    return Model(module.eval(), card, Normalisation(), digest_of(module), torch.device("cpu"))
