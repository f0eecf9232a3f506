"""Exported programs: archives of ``torch.export.save``."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mriinterp.base.files import check_file
from mriinterp.models.permission import TrustCode, check_permission

__all__ = ["load_exported"]

# Operators whose argument at this place says "training".
_TRAINING_FLAG = {"dropout": 2, "feature_dropout": 2, "alpha_dropout": 2, "batch_norm": 5, "instance_norm": 5}


class OneByOne(nn.Module):
    """A program that was exported for one scan at a time, fed a batch scan by scan."""

    def __init__(self, program: nn.Module):
        super().__init__()
        self.program = program

    def forward(self, x: Tensor, *numbers: Tensor, **named: Tensor) -> Any:
        """Map a batch (n, C, *spatial) to outputs (n, classes), or to what the program returns of tensors like these."""
        if x.shape[0] == 1:
            return self.program(x, *numbers, **named)
        rows = [tensor.split(1) for tensor in (x, *numbers, *named.values())]
        return _together(
            [
                self.program(*scan[: 1 + len(numbers)], **dict(zip(named, scan[1 + len(numbers) :], strict=True)))
                for scan in zip(*rows, strict=True)
            ]
        )


def _together(parts: Sequence[Any]) -> Any:
    """Return what a program returned for single scans as it would for a batch of them."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(list(parts)) if first.ndim else torch.stack(list(parts))
    if isinstance(first, Mapping):
        return {key: _together([part[key] for part in parts]) for key in first}
    if isinstance(first, (tuple, list)):
        return [_together(column) for column in zip(*parts, strict=True)]
    return first


def load_exported(path: Path, *, trust_code: TrustCode, inputs: int = 1) -> tuple[nn.Module, str]:
    """Load the network of a ``.pt2`` archive; return it and the SHA-256 of the archive.

    `torch.export.load` unpickles what the archive marks as pickled
    (``weights_only=False``) and evaluates the shapes' expressions: whoever
    made the archive can run code here. So it is opened on the user's word only,
    and read once: what was judged is what is opened.

    Parameters
    ----------
    path : Path
    trust_code : bool or collection of str
        As of `mriinterp.models.load_model`.
    inputs : int
        Tensors that the program is to read: the image, and numbers beside it.

    Raises
    ------
    CodeRefused
        Without `trust_code` for it.
    ValueError
        If the file is no such archive; if it was exported in training mode,
        for several scans at a time, or reads another number of tensors.
    """
    check_file(path, "an exported program")
    content = path.read_bytes() if trust_code else b""  # without permission it need not be read
    digest = hashlib.sha256(content).hexdigest() if trust_code else ""
    check_permission(trust_code, digest, f"to open the exported program {path.name}, in which code can be hidden")
    try:
        program = torch.export.load(io.BytesIO(content))
    except Exception as error:  # torch raises whatever its parsers and verifiers meet first
        raise ValueError(
            f"{path.name}: expected an archive of torch.export.save, got another file ({type(error).__name__})"
        ) from error
    _check_mode(program, path.name)
    _check_data_type(program, path.name)
    read = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in program.graph_signature.user_inputs]
    if len(read) != inputs:
        way = (
            '; numbers that it reads beside the image have names: --numbers age, "numbers" on the card'
            if inputs == 1 and len(read) > 1
            else ""
        )
        raise ValueError(
            f"{path.name}: expected a program of {inputs} input{'s' if inputs > 1 else ''}, got {len(read)} "
            f"({', '.join(n.name for n in read)}){way}"
        )
    scans = read[0].meta["val"].shape[0]
    if isinstance(scans, int) and scans != 1:
        raise ValueError(
            f"{path.name}: expected a program for one scan at a time or for any number, got one for {scans}; export it "
            "with an image of one scan, torch.zeros(1, channels, i, j, k)"
        )
    return (OneByOne(program.module()) if isinstance(scans, int) else program.module()), digest


def _check_data_type(program: torch.export.ExportedProgram, origin: str) -> None:
    kinds = {value.dtype for value in program.state_dict.values() if value.is_floating_point()}
    if other := kinds - {torch.float32}:
        names = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in other))
        raise ValueError(
            f"{origin}: expected a program whose weights are float32, got {names}; call net.float() before "
            "torch.export.export"
        )


def _check_mode(program: torch.export.ExportedProgram, origin: str) -> None:
    for node in program.graph.nodes:
        name = getattr(node.target, "__name__", "").partition(".")[0]
        place = _TRAINING_FLAG.get(name)
        if place is not None and len(node.args) > place and node.args[place] is True:
            raise ValueError(
                f"{origin}: expected a program exported in eval mode, got {name} in training mode; "
                "call model.eval() before torch.export.export"
            )
