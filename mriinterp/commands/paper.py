"""``paper``: figure 1, tables 1 and 2, animations and npz from a cohort's folder or a published npz."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mriinterp.areas.atlas import Atlas, load_atlas
from mriinterp.base.progress import check_cancel, tell
from mriinterp.cohort import CohortResult
from mriinterp.commands.options import add_study_trust
from mriinterp.commands.terminal import ProgressLine, print_line
from mriinterp.export.npz import original_names
from mriinterp.figures.colours import describe_unit
from mriinterp.image.volume import Volume

__all__ = ["add_parser", "averages_of", "write_outputs"]

DESCRIPTION = """\
Write what Rieke et al. 2018 show of a cohort:
  figure1.png, figure1.pdf       coronal slices of the averages, a row a method, columns by group
  table1.csv, table1.tex         the four most relevant areas by method
  table2.csv, table2.tex         distances of methods, and of groups
  animation_METHOD.gif           a walk through the average of the positive group
  averages.npz                   averages in the format of the original authors"""

EXAMPLES = """\
examples:
  mriinterp cohort demo --methods sensitivity,guided_backprop,occlusion,area_occlusion --out demo_cohort
  mriinterp paper demo_cohort
  mriinterp paper adni_cohort --study adni.toml --name CN=NC
  mriinterp paper published --npz all_heatmaps.npz"""


@dataclass(frozen=True, eq=False)
class Averages:
    """Averages by group (positive first) and method, with background and atlas.

    `result`: the cohort they are of; None for a file of averages.
    """

    means: dict[str, dict[str, Volume]]
    background: Volume
    atlas: Atlas
    counts: dict[str, int]
    simulated: bool
    result: CohortResult | None = None

    def remarks(self, methods: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return what a reader must know of the maps, for captions."""
        if self.result is None:
            return ("Averages from a file; which class the maps explain is not known.",)
        from mriinterp.figures.paper_figure import label_of

        shown = [m for m in methods or self.result.methods if m in self.result.methods]
        hidden = [(label_of(method), self.result.hidden_words(method)) for method in shown]
        alike = [(label_of(method), self.result.agreement_words(method)) for method in shown]
        return (*self.result.caveats(shown), *(f"{label}: {words}" for label, words in (*hidden, *alike) if words))

    def about(self) -> dict[str, Any]:
        """Return what the npz says of its maps; nothing for those of a file."""
        if self.result is None:
            return {}
        methods = [m for m in original_names() if m in self.result.methods]
        reasons = map(self.result.why_no_test, methods) if self.result.positive else ("one group",)
        return {
            "simulated": self.simulated,
            "explains": "; ".join(dict.fromkeys(map(self.result.explained_words, methods))),
            "one_target": not any(reasons),
        }

    def units(self) -> dict[str, str]:
        """Return what a value of each method's maps means, where it is known."""
        result = self.result
        return {m: describe_unit(result.meaning(m).unit, result.reading(m)) for m in result.methods} if result else {}


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "paper",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", help="folder that the command cohort filled (with --npz: any folder)")
    parser.add_argument("--npz", metavar="FILE", help="averages of the original authors instead of a cohort's")
    parser.add_argument("--out", metavar="DIR", help="where to write (default: the folder paper inside DIR)")
    parser.add_argument("--methods", metavar="A,B,C", help="default: the paper's four, as far as they are there")
    parser.add_argument(
        "--positive", metavar="GROUP", help="group of table 1 and the animations (default: the study's)"
    )
    look = parser.add_argument_group("what the averages lie over")
    look.add_argument("--study", metavar="STUDY", help="demo or a study file: its mean training scan and its atlas")
    add_study_trust(look)
    look.add_argument("--background", metavar="FILE", help="any image (default: the study's, else the template)")
    look.add_argument("--atlas", metavar="AAL|LABELS.nii.gz", help="default: the study's, else AAL")
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="GROUP=NAME",
        help="name of a group in the npz, e.g. CN=NC as the original's code expects; repeat",
    )
    parser.add_argument("--no-animation", action="store_true", help="leave out the animations")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write everything and list what was written."""
    averages = _from_npz(args) if args.npz else _from_cohort(args)
    methods = tuple(name.strip() for name in (args.methods or "").split(",") if name.strip()) or None
    names = _names(args.name, averages)
    out = Path(args.out) if args.out else Path(args.folder) / "paper"
    progress = ProgressLine("figures and tables")
    paths = write_outputs(
        out, averages, methods=methods, names=names, animation=not args.no_animation, progress=progress
    )
    progress.close()
    if averages.simulated:
        print_line("simulated scans")
    for remark in averages.remarks(methods):
        print_line(remark)
    for path in paths:
        print_line(f"wrote {path}")
    return 0


def write_outputs(
    out: Path,
    averages: Averages,
    *,
    methods: tuple[str, ...] | None = None,
    names: dict[str, str] | None = None,
    animation: bool = True,
    progress: Any = None,
    cancel: Any = None,
) -> list[Path]:
    """Write the paper's outputs; the files, in order.

    Parameters
    ----------
    methods : tuple of str, optional
        Of figure and tables; None: the paper's four.
    names : mapping of group to str, optional
        Names in the npz that differ from the groups'.
    """
    from mriinterp.export.animation import write_gif
    from mriinterp.export.npz import write_original_npz
    from mriinterp.export.paper_folder import write_paper
    from mriinterp.figures.colours import map_scale
    from mriinterp.figures.paper_figure import figure_rows, label_of, reading_of

    positive, maps = next(iter(averages.means.items()))
    wanted = methods or tuple(figure_rows(list(maps)))
    walks = [m for m in wanted if m in maps] if animation else []
    total = 5 + len(walks)
    paths = write_paper(
        out, averages.means, averages.background, averages.atlas, positive=positive, methods=methods,
        counts=averages.counts, simulated=averages.simulated, remarks=averages.remarks(wanted), units=averages.units(),
        progress=lambda done, _: tell(progress, done, total), cancel=cancel,
    )  # fmt: skip
    for number, method in enumerate(walks):
        check_cancel(cancel)
        reading = reading_of(method)
        title = f"{label_of(method)}, average of {positive}{' · simulated data' if averages.simulated else ''}"
        scale = map_scale(maps[method], reading, from_minimum=True)
        path = out / f"animation_{method}.gif"
        paths.append(write_gif(path, averages.background, maps[method], reading=reading, scale=scale, title=title))
        tell(progress, 5 + number, total)
    kept = {
        (names or {}).get(group, group): {m: volume.data for m, volume in found.items() if m in original_names()}
        for group, found in averages.means.items()
    }
    if any(kept.values()):
        paths.append(write_original_npz(out / "averages.npz", kept, about=averages.about()))
    tell(progress, total, total)
    return paths


def _names(given: list[str], averages: Averages) -> dict[str, str]:
    """Read ``["CN=NC"]`` as a mapping; every group must be there, no two may get one name."""
    names = {}
    for text in given:
        group, equals, name = text.partition("=")
        if not equals or not name:
            raise ValueError(f"expected --name GROUP=NAME, got {text!r}")
        if group not in averages.means:
            raise KeyError(f"expected a group with averages, got {group!r}; available: {', '.join(averages.means)}")
        names[group] = name
    used = [names.get(group, group) for group in averages.means]
    if len(set(used)) < len(used):
        raise ValueError(f"expected another name for every group, got {', '.join(used)}")
    return names


def _ordered(means: dict[str, dict[str, Volume]], positive: str | None) -> dict[str, dict[str, Volume]]:
    """Return the groups, positive first, as the paper has it."""
    if positive and positive not in means:
        raise KeyError(f"expected a group with averages, got {positive!r}; available: {', '.join(means)}")
    return dict(sorted(means.items(), key=lambda entry: entry[0] != (positive or next(iter(means)))))


def _from_cohort(args: argparse.Namespace) -> Averages:
    from mriinterp.cohort import open_cohort

    result = open_cohort(args.folder)
    study = args.study or ("demo" if result.run["study"] == "demo" else None)
    like = Volume(np.broadcast_to(np.float32(0), result.grid.shape), result.grid.affine)
    background, atlas = _surroundings(args, study, like)
    known = result.run["atlas"]
    if atlas.digest != known["sha256"] and not args.atlas:
        raise ValueError(
            f"expected the atlas of the run, {known['name']}, got {atlas.name} or another version of it; name the "
            "study with --study, or an atlas with --atlas"
        )
    return averages_of(result, background, atlas, args.positive)


def averages_of(result: CohortResult, background: Volume, atlas: Atlas, positive: str | None = None) -> Averages:
    """Return the averages of a cohort for the paper's outputs; KeyError for a group without any."""
    means = {group: found for group in result.groups if (found := result.means(group))}
    counts = {group: max(result.n(m, group) for m in result.methods) for group in means}
    first = positive or (result.positive if result.positive in means else None)
    return Averages(_ordered(means, first), background, atlas, counts, result.simulated, result)


def _from_npz(args: argparse.Namespace) -> Averages:
    from mriinterp.export.npz import ORIGINAL_GRIDS, read_original_npz

    found = read_original_npz(args.npz, grids=ORIGINAL_GRIDS)
    assert found.grid is not None  # other grids are refused
    means = {
        group: {m: Volume(data, found.grid.affine) for m, data in maps.items()} for group, maps in found.means.items()
    }
    like = next(iter(next(iter(means.values())).values()))
    background, atlas = _surroundings(args, args.study, like)
    return Averages(_ordered(means, args.positive), background, atlas, {}, False)


def _surroundings(args: argparse.Namespace, study_name: str | None, like: Volume) -> tuple[Volume, Atlas]:
    """Return background and atlas: what the options name, else the study's, else template and AAL."""
    from mriinterp.image.nifti import read_volume
    from mriinterp.image.template import template
    from mriinterp.study import load_study

    study = load_study(study_name, trust_code=args.trust_code) if study_name else None
    if args.background:
        background = read_volume(args.background)
    else:
        background = study.background() if study else template(like.grid)
    atlas = load_atlas(args.atlas) if args.atlas else study.atlas() if study else load_atlas("AAL")
    return background, atlas
