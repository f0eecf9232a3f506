"""Networks: architectures by name, model cards, safe loading."""

from typing import TYPE_CHECKING

from mriinterp.base.first_use import import_on_first_use

if TYPE_CHECKING:
    from mriinterp.models.architecture_registry import (
        architecture_names,
        get_architecture,
        load_code,
        own_architectures,
        register_architecture,
    )
    from mriinterp.models.card import EXPORTED, ModelCard, read_card, write_card
    from mriinterp.models.code import Code, CodeFile
    from mriinterp.models.device import choose_device
    from mriinterp.models.heads import Head
    from mriinterp.models.imports import read_code
    from mriinterp.models.loading import load_model
    from mriinterp.models.model import Model
    from mriinterp.models.packaged import packaged_models
    from mriinterp.models.permission import CodeRefused, TrustCode, may_run
    from mriinterp.models.prediction import Prediction

__all__ = [
    "EXPORTED",
    "Code",
    "CodeFile",
    "CodeRefused",
    "Head",
    "Model",
    "ModelCard",
    "Prediction",
    "TrustCode",
    "architecture_names",
    "choose_device",
    "get_architecture",
    "load_code",
    "load_model",
    "may_run",
    "own_architectures",
    "packaged_models",
    "read_card",
    "read_code",
    "register_architecture",
    "write_card",
]

import_on_first_use(
    __name__,
    {
        "architecture_registry": (
            "architecture_names",
            "get_architecture",
            "load_code",
            "own_architectures",
            "register_architecture",
        ),
        "card": ("EXPORTED", "ModelCard", "read_card", "write_card"),
        "code": ("Code", "CodeFile"),
        "device": ("choose_device",),
        "heads": ("Head",),
        "imports": ("read_code",),
        "loading": ("load_model",),
        "model": ("Model",),
        "packaged": ("packaged_models",),
        "permission": ("CodeRefused", "TrustCode", "may_run"),
        "prediction": ("Prediction",),
    },
)
