"""Parameters that several methods have: the score, the fill, the layer."""

from __future__ import annotations

from typing import Annotated, Literal

from mriinterp.methods.parameters import Param

__all__ = ["SCORES", "Depth", "Fill", "Layer", "LinearScore", "Score"]

SCORES = ("probability", "logit", "margin", "raw")

Score = Annotated[
    Literal["probability", "logit", "margin", "raw"],
    Param("What is explained: the class probability, its logit, the logit margin over the others, or the raw output"),
]

LinearScore = Annotated[
    Literal["logit", "margin", "raw"],
    Param("What is explained: the logit of the class, its margin over the others, or the raw output"),
]
"""For methods whose maps sum to the score: a probability is no sum of parts of the outputs."""

Fill = Annotated[
    Literal["zero", "mean", "blur", "reference"],
    Param("What replaces hidden voxels: zero, the scan's mean, the blurred scan, or a reference scan"),
]

Depth = Annotated[
    int,
    Param("Which layer: 1 is the last with at least 3 cells an axis, 2 the one before, …", minimum=1, maximum=99),
]

Layer = Annotated[
    str, Param("Layer by its name in the network, whatever the depth; empty: the last with space", options="layers")
]
