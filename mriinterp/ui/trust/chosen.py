"""What the trust page is about: a method, a subject, a study, and the figures known of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mriinterp.study import Study
from mriinterp.trust import get_measure
from mriinterp.trust.agreement import agreement_of
from mriinterp.ui.sources.measured import agreement_table, plan_of, results_of, single_folder, table_or_empty

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the page is about.

    Parameters
    ----------
    study_name : str
    study : Study
    folder : Path or None
        Of the study's benchmark.
    table : DataFrame
        Its summary; empty without one.
    explainer : str
        The method as it was measured: ``occlusion[size=20,stride=12]``.
    subject : str
    model : str
        Digest of the study's network.
    """

    study_name: str
    study: Study
    folder: Path | None
    table: pd.DataFrame
    explainer: str
    subject: str
    model: str = ""

    @property
    def singles(self) -> Path:
        """Where numbers of single subjects lie: those of this network, at the settings of the figures shown."""
        return single_folder(self.study_name, self.model, plan_of(self.folder))

    @property
    def single(self) -> Path:
        """Where the subject's own numbers lie: those of the scan that is in its file now."""
        try:
            scan = self.study.source(self.subject).fingerprint()
        except OSError:
            scan = "absent"
        return self.singles / hashlib.sha256(scan.encode()).hexdigest()[:12]

    @property
    def has_truth(self) -> bool:
        """Whether it is known where the disease is in the subject's scan."""
        if not self.study.simulated:
            return any("truth" in get_measure(name).needs for name in set(self.table["measure"]))
        return self.study.group_of(self.subject) == self.study.positive

    def numbers(self, measure: str, quantity: str | None = None) -> dict[str, float]:
        """Return the subject's numbers by method: of the benchmark, and where it has none, taken on demand."""
        found: dict[str, float] = {}
        for folder in (self.single, self.folder):
            if folder is not None:
                rows = results_of(folder)
                rows = rows[
                    rows["measure"].eq(measure) & rows["quantity"].eq(quantity or get_measure(measure).main.name)
                ]
                rows = rows[rows["subject"].eq(self.subject)]
                found |= dict(zip(rows["method"], rows["value"], strict=True))
        return found

    def number(self, measure: str) -> float | None:
        """Return the subject's number of a measure's main quantity."""
        return self.numbers(measure).get(self.explainer)

    def on_demand(self, measure: str) -> bool:
        """Return whether that number was taken on demand, and is no part of the study's means."""
        if self.folder is None:
            return True
        rows = results_of(self.folder)
        rows = rows[rows["measure"].eq(measure) & rows["method"].eq(self.explainer)]
        return not rows["subject"].eq(self.subject).any()

    def agreement(self) -> pd.DataFrame:
        """Return the agreement of the method's maps with the others', with the subject's own figures."""
        found = agreement_of(agreement_table(self.folder), self.explainer, self.subject)
        if found["own_rho"].notna().any():
            return found
        single = agreement_table(self.single)
        own = agreement_of(single[single["subject"] == self.subject], self.explainer, self.subject)
        own = own.set_index("other")
        return found.assign(
            own_rho=found["other"].map(own["own_rho"]), own_overlap=found["other"].map(own["own_overlap"])
        )


def choose(study_name: str, study: Study, folder: Path | None, explainer: str, subject: str, model: str = "") -> Chosen:
    """Return everything that is known of a method, for a subject, its study and the study's network (its digest)."""
    return Chosen(study_name, study, folder, table_or_empty(folder), explainer, subject, model)
