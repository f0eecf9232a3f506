"""Which output of the network maps explain: one choice for Single scan and Compare."""

from __future__ import annotations

import streamlit as st

from mriinterp.cohort.targets import positive_output
from mriinterp.models import Head, Model
from mriinterp.study import Study
from mriinterp.ui.base.linked import linked
from mriinterp.ui.scan.subject import Subject, blind_target
from mriinterp.ui.session.keys import OWN_TARGET, TARGET, USUAL_TARGET

__all__ = ["PREDICTED", "choose_target", "head_of", "target_address"]

PREDICTED = "predicted"
WORDS = {PREDICTED: "What the network predicts"}


def choose_target(study: Study, model: Model, subject: Subject | None, *, several: bool = False) -> str | None:
    """Choose the output to explain; None: what the network predicts, or its only output.

    Parameters
    ----------
    subject : Subject or None
        The scan that maps are of; None, if there are several. Where nothing
        of a prediction may be shown, the predicted class is not offered.
    several : bool
        Maps of several people are compared: they can be where they explain
        one output, so the class of the positive group comes first.
    """
    outputs = _outputs(model)
    if len(outputs) < 2:
        return None
    if model.heads[0].kind == "scale":
        chosen = _select(TARGET, outputs, outputs[0])
        return None if chosen == outputs[0] else chosen
    if subject is not None:
        blind = blind_target(study, model, subject)
    else:
        blind = positive_output(study, model, strict=False) if _withheld(study, model) else None
    if blind:
        return _select(OWN_TARGET, outputs, blind)
    chosen = _select(TARGET, [PREDICTED, *outputs], _usual(study, model, several))
    return None if chosen == PREDICTED else chosen


def _outputs(model: Model) -> list[str]:
    return [name for head in model.heads for name in head.classes]


def _select(key: str, outputs: list[str], usual: str) -> str:
    return st.selectbox(
        "Explained output",
        outputs,
        format_func=lambda output: WORDS.get(output, output),
        key=linked(key, usual, options=outputs, what="explained output", shows=lambda o: WORDS.get(o, o)),
        persist_state="session",
    )


def _usual(study: Study, model: Model, several: bool) -> str:
    """Return the output where the reader chose none; it changes with what is compared, the reader's choice does not."""
    positive = study.classes.get(study.positive, "")
    usual = positive if several and positive in model.heads[0].classes else PREDICTED
    before = USUAL_TARGET.get(usual)
    if before != usual and TARGET.get() == before:
        TARGET.put(usual)
    USUAL_TARGET.put(usual)
    return usual


def _withheld(study: Study, model: Model) -> bool:
    """Return whether the predicted class of a study's scans must not be shown: the network knows simulated brains only."""
    return model.card.simulated and not study.simulated and model.heads[0].kind != "scale"


def head_of(model: Model, target: str | None) -> Head:
    """Return the head of an explained output; the first for what the network predicts."""
    return next((head for head in model.heads if target in head.classes), model.heads[0])


def target_address(study: Study, model: Model, target: str | None) -> dict[str, str]:
    """Return what an address of the Single scan page says for an explained output of a study's scan.

    None: what the network predicts.
    """
    if _withheld(study, model):
        return {} if target is None else {OWN_TARGET: target}
    if target is None:
        return {} if model.heads[0].kind == "scale" else {TARGET: PREDICTED}
    return {TARGET: target}
