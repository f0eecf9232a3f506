"""Relevance methods: one file each in this folder, found when the package is imported.

A file that registers a method is a method; the others hold what methods share.
"""

from pathlib import Path

from mriinterp.base.discover import run_files
from mriinterp.methods.method import KINDS, LISTS, Docs, Expectation, Method
from mriinterp.methods.method_registry import (
    get_method,
    listed_methods,
    method_names,
    preset_names,
    register_method,
    unregister_method,
)
from mriinterp.methods.parameters import Param, Parameter

__all__ = [
    "KINDS",
    "LISTS",
    "Docs",
    "Expectation",
    "Method",
    "Param",
    "Parameter",
    "get_method",
    "listed_methods",
    "method_names",
    "preset_names",
    "register_method",
    "unregister_method",
]

run_files(Path(__file__).parent, __name__, holding="@register_method(")
