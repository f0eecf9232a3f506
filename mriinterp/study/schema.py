"""Which entries a study file may have, and which of them cannot be meant together."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from mriinterp.subjects import FIELDS, LAYOUTS

__all__ = ["contradictions", "flatten"]

# section → key → (kind, whether it must be there); kinds are checked by `_fits`
SCHEMA: dict[str, dict[str, tuple[str, bool]]] = {
    "": {
        "name": ("text", False),
        "title": ("text", False),
        "authors": ("names", False),
        "simulated": ("truth", False),
        "output": ("text", False),
    },
    "subjects": {
        "table": ("text", True),
        "images": ("text or texts", False),
        "kind": ("text", False),
        "pattern": ("text or texts", False),
        "numbers": ("names or texts", False),
        "corrupt": ("names", False),
        "columns": ("texts", False),
        "prefixes": ("texts", False),
        "allow_unknown_space": ("truth", False),
        "check_space": ("truth", False),
    },
    "groups": {
        "reference": ("text", True),
        "positive": ("text", False),
        "labels": ("lists", False),
        "classes": ("texts", False),
    },
    "split": {"test": ("number", False), "seed": ("whole", False)},
    "model": {
        "card": ("text", False),
        "architecture": ("text", False),
        "weights": ("names", False),
        "folds": ("lists", False),
        "brain_mask": ("text", False),
        "normalisation": ("text", False),
        "code": ("text", False),
    },
    "prepare": {"nonlinear": ("truth", False), "series": ("text or whole", False)},
    "atlas": {"image": ("text", False), "table": ("text", False)},
    "background": {"kind": ("text", False), "normalised": ("truth", False)},
}
KINDS = {
    "text": "text",
    "truth": "true or false",
    "number": "a number",
    "whole": "a whole number of 0 or more",
    "names": "a list of texts, or one text",
    "texts": "a table of texts",
    "lists": "a table of lists of texts",
    "text or texts": "text, or a table of texts by the name of an image",
    "text or whole": "text, or a whole number of 0 or more",
    "names or texts": "a list of columns of the table, or a table of columns by the name of a number",
}
NORMALISATIONS = ("card", "voxelwise")
BACKGROUNDS = ("mean", "template")


def flatten(entries: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return entries as ``section.key``; unknown, misplaced and malformed ones as problems.

    Parameters
    ----------
    entries : mapping
        As `tomllib` reads them.

    Returns
    -------
    dict of str to value
        Those that are well formed.
    list of str
        Everything else, in words.
    """
    flat, problems = {}, []
    if entries and not {*entries} & {*SCHEMA, *SCHEMA[""]}:  # some other file: none of its content into a message
        return {}, [f"none of the {len(entries)} entries is one of a study file; known: {', '.join(_names_at_top())}"]
    for section, keys in SCHEMA.items():
        inside = entries if not section else entries.get(section, {})
        if not isinstance(inside, Mapping):
            problems.append(f"[{section}] is not a section")
            continue
        known = [*keys, *(SCHEMA.keys() - {""} if not section else ())]
        for key, value in inside.items():
            where = f"{section}.{key}" if section else key
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                guess = f"; did you mean {near[0]}?" if near else f"; known here: {', '.join(sorted(known))}"
                problems.append(f"unknown entry {where}{guess}")
            elif key in keys and not _fits(value, keys[key][0]):
                problems.append(f"{where} is not {KINDS[keys[key][0]]}")
            elif key in keys:
                flat[where] = value
        for key, (_, required) in keys.items():
            if required and key not in inside:
                problems.append(f"{section}.{key} is missing")
    return flat, problems


def _names_at_top() -> list[str]:
    return sorted({*SCHEMA[""], *SCHEMA} - {""})


def _fits(value: Any, kind: str) -> bool:
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if " or " in kind:
        return any(_fits(value, one) for one in kind.split(" or "))
    if kind == "text":
        return isinstance(value, str) and bool(value.strip())
    if kind == "truth":
        return isinstance(value, bool)
    if kind in ("number", "whole"):
        return whole and value >= 0 if kind == "whole" else whole or isinstance(value, float)
    if kind == "names":
        return isinstance(value, str) or texts
    if not isinstance(value, Mapping):
        return False
    return all(isinstance(item, str) if kind == "texts" else _fits(item, "names") for item in value.values())


def contradictions(flat: Mapping[str, Any], labels: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Return entries that are well formed and cannot be meant, and why.

    Parameters
    ----------
    flat : mapping of str to value
        As `flatten` gives them.
    labels : mapping of group to tuple of str
        What each group is called in the table.
    """
    problems = []
    choices = {
        "subjects.kind": ("auto", *LAYOUTS),
        "model.normalisation": NORMALISATIONS,
        "background.kind": BACKGROUNDS,
    }
    for key, known in choices.items():
        if key in flat and flat[key] not in known:
            problems.append((key, f"{key} is {flat[key]!r}; available: {', '.join(known)}"))
    images, patterns = flat.get("subjects.images"), flat.get("subjects.pattern")
    if isinstance(images, Mapping) and not images:
        problems.append(("subjects.images", "subjects.images names no image"))
    if isinstance(patterns, Mapping) and set(patterns) - set(images if isinstance(images, Mapping) else ()):
        text = "subjects.pattern names images that subjects.images does not name: {t1 = …, …} in both"
        problems.append(("subjects.pattern", text))
    columns = flat.get("subjects.columns", {})
    unknown = [f for f in columns if f not in FIELDS]
    if unknown:
        text = f"subjects.columns has unknown fields {', '.join(unknown)}; available: {', '.join(FIELDS)}"
        problems.append(("subjects.columns", text))
    if ("model.card" in flat) == ("model.architecture" in flat):
        problems.append(("model.architecture", "[model] needs either card, or architecture and weights"))
    if "model.architecture" in flat and not flat.get("model.weights"):
        problems.append(("model.architecture", "model.weights is missing (an architecture needs weights)"))
    if "groups.positive" in flat and flat.get("groups.positive") == flat.get("groups.reference"):
        text = f"groups.positive and groups.reference are both {flat['groups.positive']!r}"
        problems.append(("groups.positive", text))
    strangers = [g for g in flat.get("groups.classes", {}) if g not in labels]
    if strangers:
        text = f"groups.classes names unknown groups {', '.join(strangers)}; groups: {', '.join(labels)}"
        problems.append(("groups.classes", text))
    owners: dict[str, list[str]] = {}
    for group, names in labels.items():
        for label in dict.fromkeys(names):
            owners.setdefault(label, []).append(group)
    shared = [f"{label} ({' and '.join(groups)})" for label, groups in owners.items() if len(groups) > 1]
    if shared:
        problems.append(("groups.labels", f"labels that stand for several groups: {', '.join(shared)}"))
    test = flat.get("split.test")
    if test is not None and not (0 < test < 1 if isinstance(test, float) else test >= 1):
        text = f"split.test is {test}; expected a share between 0 and 1 (0.2) or a number of patients (30)"
        problems.append(("split.test", text))
    return problems
