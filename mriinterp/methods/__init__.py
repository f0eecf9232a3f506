"""Relevance methods: one file each, found by name."""

# Importing a method's file registers it; the order is the one people see.
from mriinterp.methods import sensitivity as _sensitivity  # noqa: F401, I001
from mriinterp.methods import guided_backprop as _guided_backprop  # noqa: F401
from mriinterp.methods import occlusion as _occlusion  # noqa: F401
from mriinterp.methods import area_occlusion as _area_occlusion  # noqa: F401
from mriinterp.methods import grad_cam as _grad_cam  # noqa: F401
from mriinterp.methods import layer_cam as _layer_cam  # noqa: F401
from mriinterp.methods import hires_cam as _hires_cam  # noqa: F401
from mriinterp.methods import gradient_x_input as _gradient_x_input  # noqa: F401
from mriinterp.methods import integrated_gradients as _integrated_gradients  # noqa: F401
from mriinterp.methods import smoothgrad as _smoothgrad  # noqa: F401
from mriinterp.methods import grad_cam_pp as _grad_cam_pp  # noqa: F401
from mriinterp.methods import guided_grad_cam as _guided_grad_cam  # noqa: F401
from mriinterp.methods import lrp_epsilon as _lrp_epsilon  # noqa: F401
from mriinterp.methods import lrp_alphabeta as _lrp_alphabeta  # noqa: F401
from mriinterp.methods import lrp_composite as _lrp_composite  # noqa: F401
from mriinterp.methods.parameters import Param, Parameter
from mriinterp.methods.registry import Method, get_method, method_names, preset_names, register_method

__all__ = ["Method", "Param", "Parameter", "get_method", "method_names", "preset_names", "register_method"]
