"""Grey-matter maps of OASIS-1 with dementia ratings, as nilearn offers them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from mriinterp.base.atomic import replacing
from mriinterp.base.tables import write_tsv
from mriinterp.fetch.download import RemoteFile
from mriinterp.fetch.matching import match_ages
from mriinterp.fetch.oasis import AGREEMENT, ARCHIVE, TABLE, bring_maps, list_maps
from mriinterp.fetch.publication import Publication, register_publication
from mriinterp.image.volume import Grid
from mriinterp.models import Head, ModelCard, write_card
from mriinterp.study import write_study_file

BASE = "https://www.nitrc.org/frs/download.php"
NUMBERS = {ARCHIVE: 6364, TABLE: 6348, AGREEMENT: 6349}  # of NITRC's files, as nilearn has them
HEALTHY, ILL, UNRATED, ALONE = "nondemented", "demented", "not rated", "not matched"  # CDR 0, over 0, none
MATCHED = "study_age_matched.toml"
FEATURES = 128  # of ClassificationModel3D on GRID
GRID = Grid((78, 114, 78), np.array([[2, 0, 0, -76], [0, 2, 0, -124], [0, 0, 2, -72], [0, 0, 0, 1.0]]))
"""The brain on voxels of the maps (2 mm), cut to a size that the network of Rieke et al. sees whole."""

AGREEMENT_TEXT = """\
OASIS data use agreement

These are data of people. Whoever fetches them agrees to the data use agreement
of OASIS, https://sites.wustl.edu/oasisbrains/; it comes with the maps as
data_usage_agreement.txt, and that text is the one that counts. Read it before
you accept. In short: do not try to identify or to contact a person in the
data; keep to the rules of your institution and its ethics committee; pass the
data on only under the same terms; and acknowledge OASIS and its grants in what
you publish, with Marcus et al. 2007, Journal of Cognitive Neuroscience
19(9):1498-1507.
"""


def people_table(people: pd.DataFrame, maps: list[Path], folder: Path) -> pd.DataFrame:
    """Return a row a person: group by the dementia rating, and who is whose age-matched control.

    Parameters
    ----------
    people : DataFrame
        OASIS's columns in small letters: id, mf, age, educ, mmse, cdr, etiv, nwbv. Who has no rating (the young, who
        were not assessed) is of neither group.
    maps : list of Path
        One a person.
    folder : Path
        Of the study file.
    """
    rating = pd.to_numeric(people["cdr"], errors="coerce")
    table = pd.DataFrame(
        {
            "id": people["id"].astype(str),
            "subject": people["id"].astype(str).str.removesuffix("_MR1"),
            "group": np.select([rating == 0, rating > 0], [HEALTHY, ILL], UNRATED),
            "sex": people["mf"].astype(str).str.upper().str[:1],
            "age": pd.to_numeric(people["age"], errors="coerce"),
            "cdr": rating,
            "mmse": pd.to_numeric(people["mmse"], errors="coerce"),
            "filepath": [path.relative_to(folder).as_posix() for path in maps],
        }
    )
    if not ({HEALTHY, ILL} <= set(table["group"])):
        raise ValueError(f"expected people with CDR 0 and with CDR over 0 in {TABLE}, got one of the two alone")
    pair = match_ages(table.set_index("id"), ILL, HEALTHY).to_numpy()
    table["group_age_matched"] = np.where(
        pair == "", np.where(table["group"] == UNRATED, UNRATED, ALONE), table["group"]
    )
    table["pair"] = pair
    return table


def age_words(table: pd.DataFrame, column: str) -> str:
    """Return number and ages of both groups, in words."""
    said = []
    for group in (HEALTHY, ILL):
        ages = table["age"][table[column] == group]
        said.append(
            f"{len(ages)} of {group}: {ages.mean():.1f} ± {ages.std():.1f} years ({ages.min():g}–{ages.max():g})"
        )
    return "; ".join(said)


def _untrained_card(folder: Path, first: Path) -> None:
    """Write the card that a training starts from: grid, normalisation, architecture, weights that know nothing."""
    import torch
    from safetensors.torch import save

    from mriinterp.models.classification3d import ClassificationModel3D

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        content = save(ClassificationModel3D(FEATURES).state_dict())
    with replacing(folder / "untrained.safetensors") as temporary:
        temporary.write_bytes(content)
    image = nib.Nifti1Image.from_filename(first)
    about = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "warning": "UNTRAINED: its weights are random. It gives mriinterp train grid, normalisation and architecture; its "
        "maps and predictions mean nothing.",
        "scans": f"Grey-matter maps by SPM8 and DARTEL, modulated: amount of grey matter a voxel, after warping to MNI "
        f"space; {'×'.join(map(str, image.shape))} voxels of "
        f"{'×'.join(f'{size:g}' for size in image.header.get_zooms()[:3])} mm.",
        "normalisation_why": "none: the amount of grey matter is what the network is to read. A z-score of each scan would "
        "take away how much there is in all.",
    }
    card = ModelCard(
        name="untrained",
        architecture="ClassificationModel3D",
        grid=GRID,
        heads=(Head("", (HEALTHY, ILL), output="logits"),),
        normalisation={"kind": "none"},
        space="MNI152",
        weights=("untrained.safetensors",),
        about=about,
    )
    write_card(card, folder / "card.json")


def complete(folder: Path) -> dict:
    """Write table, card and the age-matched study file; return the entries of the other study file."""
    people, maps = list_maps(folder)
    table = people_table(people, maps, folder)
    write_tsv(table, folder / "subjects.tsv")
    _untrained_card(folder, maps[0])

    def entries(name: str, title: str, column: str, output: str) -> dict:
        return {
            "name": name,
            "title": f"{title}: {age_words(table, column)}",
            "output": output,
            "subjects": {
                "table": "subjects.tsv", "kind": "plain", "check_space": False, "columns": {"group": column},
            },
            "groups": {
                "reference": HEALTHY, "positive": ILL, "labels": {HEALTHY: [HEALTHY], ILL: [ILL]},
                "classes": {HEALTHY: HEALTHY, ILL: ILL},
            },
            "split": {"test": 0.2, "seed": 0},
            "model": {"card": "card.json"},
            "atlas": {"image": "AAL"},
        }  # fmt: skip

    matched = entries(
        "oasis1_age_matched",
        "OASIS-1, grey matter, CDR 0 and over 0, age-matched",
        "group_age_matched",
        "results_age_matched",
    )
    write_study_file(matched, folder / MATCHED)
    return entries("oasis1", "OASIS-1, grey matter, CDR 0 and over 0", "group", "results")


register_publication(
    Publication(
        name="oasis1",
        title="OASIS-1, grey-matter maps",
        about="Grey-matter maps of 403 people from 18 to 96 years, about 100 of them with a Clinical Dementia Rating over 0. "
        "A study to train and explain own networks on (mriinterp train). The young are all healthy: the age-matched "
        "study pairs each patient with a control of the same age. Marcus et al. 2007, "
        "Journal of Cognitive Neuroscience 19:1498.",
        base=BASE,
        files=tuple(
            RemoteFile(name, address=f"{BASE}/{number}/{name}?i_agree=1&download_now=1")
            for name, number in NUMBERS.items()
        ),
        licence="OASIS data use agreement",
        licence_text=AGREEMENT_TEXT,
        licence_address="https://sites.wustl.edu/oasisbrains/",
        complete=complete,
        bring=bring_maps,
        variants={"age-matched": MATCHED},
        steps=(
            "mriinterp train {study} --out oasis1_networks",
            "mriinterp cohort oasis1_networks/study.toml --methods sensitivity,occlusion --out-of-fold --out oasis1_maps",
            "mriinterp trust oasis1_networks/study.toml --quick --out oasis1_trust",
        ),
    )
)
