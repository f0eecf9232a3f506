"""Networks: architectures by name, model cards, safe loading."""

from mriinterp.models import builtin as _builtin  # noqa: F401  (importing it registers the architectures)
from mriinterp.models.architecture_registry import (
    architecture_names,
    get_architecture,
    load_code,
    own_architectures,
    register_architecture,
)
from mriinterp.models.card import ModelCard, read_card, write_card
from mriinterp.models.code import Code, CodeFile
from mriinterp.models.device import choose_device
from mriinterp.models.exported import EXPORTED
from mriinterp.models.heads import Head
from mriinterp.models.imports import read_code
from mriinterp.models.loading import load_model, packaged_models
from mriinterp.models.model import Model
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
