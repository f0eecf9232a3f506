"""The MRI network of Qiu et al. 2022, in the five versions of its cross-validation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mriinterp.base.atomic import write_text
from mriinterp.fetch.publication import Publication, RemoteFile, register_publication
from mriinterp.image.template import native_template
from mriinterp.image.write import write_volume
from mriinterp.models import write_card

COMMIT = "13e38f603848bbd36bd6803a16598fdcd1421b8b"
BASE = f"https://raw.githubusercontent.com/vkola-lab/ncomms2022/{COMMIT}/checkpoint_dir"
SIZES = {"backbone": 1_973_319, "COG": 2_306_707, "ADD": 693_459}  # bytes
DIGESTS = {  # SHA-256 by fold and epoch
    ("0", "58"): {
        "backbone": "24ce7f650572844881d7233745f0ca8778f7fadd1b5129541b0deadc85eb0976",
        "COG": "35227808679e0b3910519fea07a7fa73d08f2fd52a81c19fbcd37e80828be373",
        "ADD": "882cc43c984e4b239a590afba7218327b88b3eff5de2ccc9b1b0993a6ce6a098",
    },
    ("1", "39"): {
        "backbone": "cdf980224801f97b2261abff5ca0ff16b6e341c2a0ba8f60b90bdc9497523e5c",
        "COG": "e3eaec321f18dc874d947b26982cf188f183a8c449f3d283941db21eedb34cc1",
        "ADD": "960c788c4036b49b40dfcef3987afa91b37efd160d032b4c22e2297add976db5",
    },
    ("2", "62"): {
        "backbone": "ab885baff2ce528e744392bf33278dba3bc18286a8702526b5bd6090aaa3eac3",
        "COG": "11dfed8892f874181911fc2a52944ac474880e418f64dbf7284f92fcfa8e7113",
        "ADD": "8f9542422e9aa3fea3d2c7361c8e19687e3d82eca90accd69100e5f17c4b8e95",
    },
    ("3", "51"): {
        "backbone": "c23d36d8a90575d56cdf45bb271ad7e9694264a5be70afc5e5a6b2f3e8b8d7c8",
        "COG": "4090be3a5ee91f25902ea489adbac0bd7749c89e33e6df7d83809e67694cf0b5",
        "ADD": "1f8e4deca29c003dbc31af3aad6fbf21fbe7c693a4dde2c0f5a938ecdfe8d383",
    },
    ("4", "75"): {
        "backbone": "8026e6de86524b68b924e628da2ce1dfc60b1251f67142683da3999de8baffaa",
        "COG": "c060495f1e6b990c2e8f5c1e77c89d9931ad01162af1d9ee4daffbd7764562b4",
        "ADD": "a577966c56ee61046913cecdda2dafc90ab54d26fabe59c40dc77b886adb953f",
    },
}
FOLDS = {
    f"fold {int(fold) + 1}": [f"CNN_baseline_new_cross{fold}/{part}_{epoch}.pth" for part in SIZES]
    for fold, epoch in DIGESTS
}
# Mean ± SD over the five folds, from the authors' tables for this network at COMMIT
# (FigureTable/PerformanceMetricTable/csv_files/CNN_baseline_new_MRI_*.csv).
PERFORMANCE = {
    "source": "the authors' tables of their MRI-only network, mean ± SD over its five folds",
    "NACC test set": "accuracy of normal cognition against the rest 0.755 ± 0.007, of dementia against the rest 0.831 ± 0.015",
    "OASIS": "accuracy of normal cognition against the rest 0.714 ± 0.029, of dementia against the rest 0.813 ± 0.004",
    "all external cohorts": "accuracy of normal cognition against the rest 0.702 ± 0.006, of dementia against the rest "
    "0.819 ± 0.003",
}
MIT = """\
MIT License

Copyright (c) 2021 Kolachalama laboratory

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def complete(folder: Path) -> dict:
    """Write card, template and table; return the entries of the study file.

    The study's one scan is the template, an average brain, so that pages have
    something to open with; own scans are what the network is for.
    """
    from mriinterp.models import load_model

    first = next(iter(FOLDS.values()))
    card = load_model("ncomms2022", [folder / name for name in first], "cpu").card
    about = card.about | {
        "training_data": "T1 scans of people with normal cognition, mild cognitive impairment and dementia (NACC, ADNI), "
        "prepared with FSL: skull-stripped, registered affinely to the MNI152 template. Other preparation changes "
        "what the network sees.",
        "performance": PERFORMANCE,
    }
    write_card(replace(card, name="qiu2022", weights=tuple(first), about=about), folder / "card.json")
    write_volume(native_template(), folder / "template_T1w.nii.gz", space="mni")
    table = "scan_id,subject,group,split,filepath\nMNI-template,MNI-template,template,test,template_T1w.nii.gz\n"
    write_text(folder / "subjects.csv", table)
    return {
        "name": "qiu2022",
        "title": "Qiu et al. 2022: your own scans",
        "subjects": {"table": "subjects.csv"},
        "groups": {"reference": "template"},
        "model": {"card": "card.json", "folds": FOLDS},
    }


register_publication(
    Publication(
        name="qiu2022",
        title="Qiu et al. 2022, MRI network",
        about="A network trained on real scans of people with and without dementia: it rates cognition on a scale from 0 "
        "(normal) over 1 (mild impairment) to 2 (dementia). Five versions from a cross-validation. "
        "Nature Communications 13:3404.",
        base=BASE,
        files=tuple(
            RemoteFile(f"CNN_baseline_new_cross{fold}/{part}_{epoch}.pth", parts[part], SIZES[part])
            for (fold, epoch), parts in DIGESTS.items()
            for part in SIZES
        ),
        licence="MIT",
        licence_text=MIT,
        complete=complete,
    )
)
