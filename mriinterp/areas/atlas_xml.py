"""Atlases described in XML: FSL's and SPM's; and AFNI's tables of labels."""

from __future__ import annotations

import re
from xml.etree import ElementTree

__all__ = ["read_atlas_xml"]

FSL_OFFSETS = {"label": 0, "probabilistic": 1, "probabalistic": 1}  # the last as some files of FSL spell it
AFNI_MARK = "<VALUE_LABEL_DTABLE"


def read_atlas_xml(text: str) -> list[tuple[str, str]]:
    """Read the numbers, as text, and names of areas from the XML file of an atlas.

    FSL gives each label an index. In an atlas of type "Label" that is the
    value of its voxels; in one of type "Probabilistic" it counts volumes
    from 0, and its summary image, which is the label image, holds index + 1.
    SPM writes the value itself into an element of its own. AFNI's table of
    labels holds pairs of number and name in quotes.

    Raises
    ------
    ValueError
        If it is no such XML, or does not say which of these its numbers are.
    """
    if text.startswith(AFNI_MARK):
        return _afni_pairs(text)
    if re.search(r"<!(DOCTYPE|ENTITY)", text):  # entities can grow without end, or lead to other files
        raise ValueError("expected the XML file of an atlas, got one with a document type or entities")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:  # its words can quote the file
        line, column = error.position
        raise ValueError(
            f"expected the XML file of an atlas, got damaged XML (line {line}, column {column})"
        ) from error
    labels = [element for element in root.iter("label") if len(element) or "index" in element.attrib]
    if not labels:
        raise ValueError("expected the XML file of an atlas, got one without elements <label>")
    if all(element.find("index") is not None for element in labels):
        return [(_number(e.findtext("index")), (e.findtext("name") or "").strip()) for e in labels]
    kind = (root.findtext("header/type") or "").strip().lower()
    if kind not in FSL_OFFSETS:
        raise ValueError(
            "expected an FSL atlas whose header says <type>Label</type> (an index is the value of voxels) or "
            "<type>Probabilistic</type> (index + 1 is), got neither; write the right one into the header"
        )
    return [(_number(e.get("index"), FSL_OFFSETS[kind]), "".join(e.itertext()).strip()) for e in labels]


def _afni_pairs(text: str) -> list[tuple[str, str]]:
    cells = re.findall(r'"([^"]*)"', text.partition(">")[2])
    if not cells or len(cells) % 2 or not all(re.fullmatch(r"\s*\d{1,9}\s*", cell) for cell in cells[::2]):
        raise ValueError("expected pairs of number and name in quotes in AFNI's table of labels, got something else")
    return [(number.strip(), name.strip()) for number, name in zip(cells[::2], cells[1::2], strict=True)]


def _number(text: str | None, offset: int = 0) -> str:
    if text is None or re.fullmatch(r"\s*\d{1,9}\s*", text) is None:
        raise ValueError("expected a whole number as the index of every <label>, got something else")
    return str(int(text) + offset)
