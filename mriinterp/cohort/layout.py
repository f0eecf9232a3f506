"""Names in the folder of a cohort: BIDS derivatives, and what only the runner needs.

::

    dataset_description.json  README.md  .bidsignore  run.json  subjects.tsv  groups.tsv  areas.parquet
    sub-01/anat/sub-01_space-MNI152NLin2009aSym_desc-occlusion_relevance.nii.gz     signed map
    sub-01/anat/sub-01_space-MNI152NLin2009aSym_desc-occlusion_relevance.json       what it is, and its key
    sub-01/anat/sub-01_space-MNI152NLin2009aSym_desc-occlusion_areas.tsv            relevance per area
    sub-01/anat/sub-01_space-MNI152NLin2009aSym_desc-occlusion_image-gm_relevance.nii.gz    of several images: of each
    groups/group-AD_desc-occlusion_part-positive_mean.nii.gz       mean of the reading; part-signed: of the map
    groups/group-AD_desc-occlusion_part-positive_std.nii.gz
    groups/group-AD_desc-occlusion_count.nii.gz
    groups/desc-occlusion_part-positive_mean.nii.gz                over all groups
    .work/                                                         may be deleted when no run is going on

Every image has a JSON sidecar of the same name. Names longer than `mriinterp.base.names.LONGEST_NAME` are cut and
end in a digest; ``subjects.tsv`` has the label of every id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mriinterp.base.labels import plain_label, subject_labels, unique_labels
from mriinterp.base.names import shortened
from mriinterp.cohort.bids import space_label

__all__ = ["Layout", "group_labels", "method_label", "refuse_older_layout", "subject_labels"]


def group_labels(groups: Iterable[str]) -> dict[str, str]:
    """Return the label of every group, letters and digits only."""
    return unique_labels({g: shortened(plain_label(g)) or "x" for g in groups})


def method_label(method: str) -> str:
    """Return the label of a method. BIDS knows no underscore inside a label: ``guided_backprop`` is ``guidedBackprop``."""
    first, *rest = [part for part in re.split(r"[^A-Za-z0-9]+", method) if part]
    return shortened(first + "".join(part[0].upper() + part[1:] for part in rest))


def refuse_older_layout(out: Path) -> None:
    """Raise ValueError if a folder holds maps where earlier versions put them, outside ``anat/``."""
    old = next((p for places in ("sub-*", "sub-*/ses-*") for p in out.glob(f"{places}/*_relevance.json")), None)
    if old is not None:
        raise ValueError(
            f"expected a new folder or one of this version, got {out}, which an older version of mriinterp wrote "
            f"({old.relative_to(out).as_posix()} would now lie in anat/ under another name); its maps are not taken "
            "over: name another folder, or delete this one"
        )


@dataclass(frozen=True)
class Layout:
    """Paths in a cohort's folder.

    Parameters
    ----------
    out : Path
    space : str
        Template space of the maps, as the network's card has it; see `mriinterp.cohort.bids.space_label`.
    """

    out: Path
    space: str = "MNI152"

    def _stem(self, label: str, method: str) -> Path:
        folder = self.out.joinpath(*label.split("_"), "anat")
        return folder / f"{label}_space-{space_label(self.space)}_desc-{method_label(method)}"

    def map(self, label: str, method: str) -> Path:
        """Return the file of the signed map of a scan."""
        return self._named(self._stem(label, method), "relevance.nii.gz")

    def image_map(self, label: str, method: str, image: str) -> Path:
        """Return the file of the relevance of one image, of a network of several; `image` is a label."""
        return self._named(self._stem(label, method), f"image-{image}_relevance.nii.gz")

    def image_record(self, label: str, method: str, image: str) -> Path:
        """Return the file that says what the relevance of one image is."""
        return self._named(self._stem(label, method), f"image-{image}_relevance.json")

    def record(self, label: str, method: str) -> Path:
        """Return the file that says what a map is. Written last: without it the map does not exist."""
        return self._named(self._stem(label, method), "relevance.json")

    def areas(self, label: str, method: str) -> Path:
        """Return the file of relevance per area of one map."""
        return self._named(self._stem(label, method), "areas.tsv")

    def group(self, method: str, group: str, part: str, what: str) -> Path:
        """Return the file of a group's map; `group` is a label, "" for all groups; `part` "" for counts."""
        names = [f"group-{group}"] if group else []
        names += [f"desc-{method_label(method)}"] + ([f"part-{part}"] if part else [])
        return self.out / "groups" / ("_".join([*names, what]) + ".nii.gz")

    def group_record(self, method: str, group: str) -> Path:
        """Return the file that says which maps are in a group's files. Written last: without it they do not exist."""
        return self.work / "groups" / f"{method_label(method)}_group-{group}.json"

    @staticmethod
    def _named(stem: Path, what: str) -> Path:
        return stem.with_name(f"{stem.name}_{what}")

    @property
    def work(self) -> Path:
        """What only the runner needs."""
        return self.out / ".work"

    def seen(self, label: str) -> Path:
        """Return the file that says which scan was read: its fingerprint and digest."""
        return self.work / "scans" / f"{label}.json"

    def scratch(self, label: str, method: str) -> Path:
        """Return the file of a map that is kept only until it is in its group's mean."""
        return self.work / "scratch" / method_label(method) / f"{label}.npy"

    def moments(self, method: str, group: str) -> Path:
        """Return the file of the running moments of a group whose maps are not kept."""
        return self.work / "moments" / f"{method_label(method)}_group-{group}.npz"

    @property
    def run(self) -> Path:
        """Provenance, and the only file with times."""
        return self.out / "run.json"

    @property
    def subjects(self) -> Path:
        """One row a scan."""
        return self.out / "subjects.tsv"

    @property
    def groups(self) -> Path:
        """One row a group."""
        return self.out / "groups.tsv"

    @property
    def table(self) -> Path:
        """Scan × method × area."""
        return self.out / "areas.parquet"
