"""Networks: architectures by name, model cards, safe loading."""

from mriinterp.models import builtin as _builtin  # noqa: F401  (importing it registers the architectures)
from mriinterp.models.card import Head, ModelCard, read_card, write_card
from mriinterp.models.loading import load_model, packaged_models
from mriinterp.models.model import Model, Prediction, choose_device
from mriinterp.models.registry import architecture_names, get_architecture, load_code, register_architecture

__all__ = [
    "Head",
    "Model",
    "ModelCard",
    "Prediction",
    "architecture_names",
    "choose_device",
    "get_architecture",
    "load_code",
    "load_model",
    "packaged_models",
    "read_card",
    "register_architecture",
    "write_card",
]
