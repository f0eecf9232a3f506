"""Options that several commands share."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import Any

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.files import read_json
from mriinterp.image.formats import image_stem
from mriinterp.image.nifti import read_volume
from mriinterp.image.scanset import as_scan
from mriinterp.image.volume import Volume
from mriinterp.methods import Method, preset_names
from mriinterp.models import Model, architecture_names, load_code, load_model, packaged_models

__all__ = [
    "add_method_options",
    "add_model_options",
    "add_study_trust",
    "add_trust_code",
    "are_simulated",
    "chosen_atlas",
    "chosen_model",
    "first_file",
    "is_named",
    "is_simulated",
    "named_scan",
    "read_settings",
]


NAMED = re.compile(r"^[A-Za-z_]\w*=.")  # an input of a scan: t1=t1.nii.gz, age=71


def add_model_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --model, --weights, --device and --trust-code."""
    group = parser.add_argument_group("network")
    known = ", ".join([*packaged_models(), *architecture_names()])
    group.add_argument(
        "--model",
        required=required,
        metavar="NAME|CARD",
        help=f"a name ({known}), a model card (.json) or an exported program (.pt2)",
    )
    group.add_argument("--weights", nargs="+", metavar="FILE", help="weights files (.pth, .pt, .safetensors)")
    group.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda", help="where to compute (default: %(default)s)"
    )
    add_trust_code(group)


def add_trust_code(parser: Any) -> None:
    """Add the --trust-code of commands that are given a network."""
    parser.add_argument(
        "--trust-code",
        nargs="?",
        const=True,
        metavar="FILE.py",
        help="run this Python file first, so that it can register your own architecture; without a file: open an "
        "exported program (.pt2). Either may do anything: use it only with code you trust",
    )


def add_study_trust(parser: Any) -> None:
    """Add the --trust-code of commands that read a study file, which names what is trusted."""
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="run the Python file or open the exported program that the study file names; they may do anything",
    )


def is_named(arguments: list[str]) -> bool:
    """Return whether a scan is given as NAME=FILE and NAME=NUMBER each."""
    return all(NAMED.match(text) and not Path(text).exists() for text in arguments)


def first_file(arguments: list[str]) -> str:
    """Return the first file of a scan that is given by name: the image that is shown, and that names what is written."""
    files = [value for value in (text.partition("=")[2] for text in arguments) if not _number(value)]
    if not files:
        raise ValueError(f"expected at least one image of the scan, as NAME=FILE, got {' '.join(arguments)}")
    return files[0]


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def is_simulated(path: Path) -> bool:
    """Return whether ``simulate`` wrote a scan (its sidecar says so)."""
    sidecar = path.with_name(image_stem(path) + ".json")
    try:
        entries = read_json(sidecar)
    except (OSError, ValueError):
        return False
    return isinstance(entries, dict) and entries.get("simulated") is True


def are_simulated(arguments: list[str]) -> bool:
    """Return whether every file of a scan, as `named_scan` takes it, is a simulated one."""
    values = [text.partition("=")[2] for text in arguments] if is_named(arguments) else arguments
    return all(is_simulated(Path(value)) for value in values if not _number(value))


def named_scan(arguments: list[str]) -> Volume:
    """Read a scan of one file, or of several inputs as NAME=FILE and NAME=NUMBER.

    Raises
    ------
    ValueError
        For several files without names, a name that stands twice, or a number that is none.
    """
    if not is_named(arguments):
        if len(arguments) != 1:
            raise ValueError(
                f"expected one scan, or NAME=FILE and NAME=NUMBER for each input of a network of several, got "
                f"{' '.join(arguments)}"
            )
        return read_volume(arguments[0])
    found: dict[str, Volume | float] = {}
    for text in arguments:
        name, _, value = text.partition("=")
        if name in found:
            raise ValueError(f"expected different names, got {name} twice")
        found[name] = float(value) if _number(value) else read_volume(value)
    return as_scan(found)


def chosen_model(args: argparse.Namespace) -> Model:
    """Return the network that the options name."""
    if isinstance(args.trust_code, str):
        load_code(args.trust_code)
    return load_model(args.model, args.weights, args.device, trust_code=bool(args.trust_code))


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add --set, --preset, --target, --atlas and --reference."""
    group = parser.add_argument_group("what to compute")
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of the method, e.g. --set size=40; repeat",
    )
    presets = ", ".join(preset_names())
    group.add_argument(
        "--preset", metavar="NAME", help=f"parameters of a publication ({presets}): its numbers, its reading"
    )
    group.add_argument("--target", metavar="CLASS", help="the output to explain (default: the predicted class)")
    group.add_argument(
        "--atlas",
        default="AAL",
        metavar="AAL|LABELS.nii.gz",
        help="areas: AAL, or a label image (default: %(default)s)",
    )
    group.add_argument(
        "--reference", metavar="FILE", help="the scan that --set fill=reference puts in, e.g. the mean of controls"
    )
    group.add_argument(
        "--atlas-table",
        metavar="TABLE",
        help="names of the areas of a label image: a table with columns index and name, or a label file of ITK-SNAP, "
        "FreeSurfer, FSL (.xml), SPM (.xml), MRtrix or MRIcron",
    )


def chosen_atlas(args: argparse.Namespace) -> Atlas:
    """Return the atlas that the options name."""
    return load_atlas(args.atlas, Path(args.atlas_table) if args.atlas_table else None)


def read_settings(settings: list[str], method: Method) -> dict[str, Any]:
    """Read ``["size=40"]`` as checked parameters of a method."""
    values = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"expected --set NAME=VALUE, got {setting!r}")
        if name not in method.parameters:
            known = ", ".join(method.parameters) or "none"
            raise ValueError(f"expected a parameter of {method.name!r}, got {name!r}; available: {known}")
        values[name] = method.parameters[name].check(value)
    return values
