"""Files of areas as toolboxes and people write them: read as their makers mean them, or refused."""

import nibabel as nib
import numpy as np
import pytest

from mriinterp.areas import load_atlas, read_area_table

NAMES = {17: "Left-Hippocampus", 53: "Right-Hippocampus", 54: "Right-Amygdala"}

ITK_SNAP = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
################################################
    0     0    0    0        0  0  0    "Clear Label"
   17   255    0    0        1  1  1    "Left Hippocampus"
   53     0  255    0      0.5  1  0    "Right Hippocampus, 2nd"
   54    70  130  180        1  0  1    "Area 44"
"""
FREESURFER = """\
#$Id: FreeSurferColorLUT.txt,v 1.105 2015/07/29 18:23:03 greve Exp $
#No. Label Name:                            R   G   B   A

0   Unknown                                 0   0   0   0
17  Left-Hippocampus                        220 216 20  0
# between
53  Right-Hippocampus                       220 216 20  0
54  Right-Amygdala                          103 255 255 0
"""
MRTRIX = """\
# Lookup table for the default FreeSurfer segmentation

0     ???     Unknown                         0   0   0   0

1     L.BSTS  ctx-lh-bankssts                 25  100 40  255
36    L.TH    Left-Thalamus                   0   118 14  255
36    L.TH    Left-Thalamus-Proper            0   118 14  255
84    R.CER   Right-Cerebellum-Cortex         230 148 34  255
"""
FSL = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<atlas version="1.0">
  <header><name>Harvard-Oxford</name><type>{type}</type>
    <images><imagefile>/HO/HO-prob</imagefile><summaryimagefile>/HO/HO-maxprob</summaryimagefile></images>
  </header>
  <data>
    <!-- <label index="9" x="1" y="1" z="1">a comment</label> -->
    <label index="{first}" x="48" y="94" z="35">{name}</label>
    <label index="1" x="25" y="70" z="32">Left Insular Cortex </label>
    <label index="2" x="33" y="73" z="63">Heschl's Gyrus (includes H1 &amp; H2)</label>
  </data>
</atlas>
"""
SPM = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<atlas><header><name>Neuromorphometrics</name></header><data>
<label><index>4</index><name>3rd Ventricle</name></label>
<label><index>47</index><name>Right Hippocampus</name></label>
</data></atlas>
"""


@pytest.fixture
def read(tmp_path):
    def read(text, encoding="utf-8", name="areas.txt"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_area_table(tmp_path / name)

    return read


@pytest.fixture
def named(read):
    """Names by number."""
    return lambda *args, **options: dict(read(*args, **options)[["label", "name"]].itertuples(index=False))


GOOD = {
    "words": ("1 Left Hippocampus\n2 Right Hippocampus\n", {1: "Left Hippocampus", 2: "Right Hippocampus"}),
    "words of any number": ("1 CSF\n2 Superior Frontal Gyrus Left\n", {1: "CSF", 2: "Superior Frontal Gyrus Left"}),
    "words that end in numbers": ("1 Vermis 3\n2 Vermis 10\n3 CSF\n", {1: "Vermis 3", 2: "Vermis 10", 3: "CSF"}),
    "all end in numbers": ("1 Area 44\n2 Area 45\n", {1: "Area 44", 2: "Area 45"}),
    "words under headings": ("index name\n0 bg\n1 Left Hippocampus\n2 CSF\n", {1: "Left Hippocampus", 2: "CSF"}),
    "and more columns": (
        "label name hemisphere size\n1 Left Hippocampus L 12.5\n2 Amygdala R 9\n",
        {1: "Left Hippocampus", 2: "Amygdala_R"},
    ),
    "name first": ("name index\nLeft Hippocampus 1\nCSF 2\n", {1: "Left Hippocampus", 2: "CSF"}),
    "in quotes": ('1 "Left Hippocampus" \n2 CSF\n', {1: "Left Hippocampus", 2: "CSF"}),
    "wide": ("1  Left Hippocampus  HIP\n2  CSF  CSF\n", {1: "Left Hippocampus", 2: "CSF"}),
    "wide with headings": ("index  area name  note\n1  Left Hippocampus  see there\n", {1: "Left Hippocampus"}),
    "ITK-SNAP": (ITK_SNAP, {17: "Left Hippocampus", 53: "Right Hippocampus, 2nd", 54: "Area 44"}),
    "ITK-SNAP with tabs": (ITK_SNAP.replace("    ", "\t"), {17: "Left Hippocampus", 53: "Right Hippocampus, 2nd", 54: "Area 44"}),
    "FreeSurfer": (FREESURFER, NAMES),
    "FreeSurfer with blanks": (FREESURFER.replace("-", " "), {n: v.replace("-", " ") for n, v in NAMES.items()}),
    "FreeSurfer with tabs": ("17\tLeft Hippocampus\t220\t216\t20\t0\n24\tCSF\t6\t6\t6\t0\n", {17: "Left Hippocampus", 24: "CSF"}),
    "words before colours": ("1 CSF 1 2 3 0\n2 Frontal Pole 1 2 3 0\n", {1: "CSF", 2: "Frontal Pole"}),
    "numbers before colours": ("1 Area 4 1 2 3 0\n2 Area 44 1 2 3 0\n", {1: "Area 4", 2: "Area 44"}),
    "MRtrix": (MRTRIX, {1: "ctx-lh-bankssts", 36: "Left-Thalamus", 84: "Right-Cerebellum-Cortex"}),
    "MRtrix with tabs": ("1\tL.HI\tLeft-Hippocampus\t2\t2\t2\t255\n2\tR.HI\tRight-Hippocampus\t2\t2\t2\t255\n", {1: "Left-Hippocampus", 2: "Right-Hippocampus"}),
    "MRtrix without short names": ("# ID Labelname R G B A\n 1  L_V1  63 5 255 255\n 2  L_4  3 1 2 255\n", {1: "L_V1", 2: "L_4"}),
    "MRIcron": ("1 Precentral_L 2001\n2 Precentral_R 2002\n", {1: "Precentral_L", 2: "Precentral_R"}),
    "MRIcron with bars": ("1|SFG_L|superior frontal gyrus left|1\n2|SFG_R|superior frontal gyrus right|1\n", {1: "SFG_L", 2: "SFG_R"}),
    "AAL for SPM": ("FAG\tPrecentral_L\t2001\nFAD\tPrecentral_R\t2002\n", {2001: "Precentral_L", 2002: "Precentral_R"}),
    "FSL, labels": (FSL.format(type="Label", first=0, name="Unclassified"), {1: "Left Insular Cortex", 2: "Heschl's Gyrus (includes H1 & H2)"}),
    "FSL, probabilities": (
        FSL.format(type="Probabilistic", first=0, name="Frontal Pole"),
        {1: "Frontal Pole", 2: "Left Insular Cortex", 3: "Heschl's Gyrus (includes H1 & H2)"},
    ),
    "SPM": (SPM, {4: "3rd Ventricle", 47: "Right Hippocampus"}),
    "sep=": ("sep=;\nindex;name\n1;Caudate, left\n", {1: "Caudate, left"}),
    "sep= as spreadsheets write it": ('"Sep=;",,\nindex;name\n1;Caudate, left\n', {1: "Caudate, left"}),
    "composed": ("1\tGro\u0308\u00dfer\n", {1: "Gr\u00f6\u00dfer"}),
    "sep= of a tab": ("sep=\t\n1\tCaudate, left\n", {1: "Caudate, left"}),
    "trailing commas": ("index,name,,\n1,CSF,,\n2,GM,,\n", {1: "CSF", 2: "GM"}),
    "trailing commas of many lengths": ("1,CSF,,\n2,GM\n3,WM,\n", {1: "CSF", 2: "GM", 3: "WM"}),
    "a comma in a name": ('index,name\n1,"Caudate, left"\n', {1: "Caudate, left"}),
    "a comma among blanks": ("1 Caudate, left\n2 Caudate, right\n", {1: "Caudate, left", 2: "Caudate, right"}),
    "numbers and sides apart": (
        "index,name,hemi\n1,Caudate,L\n2,Caudate,right\n3,Stem,\n4,Putamen_R,R\n",
        {1: "Caudate_L", 2: "Caudate_R", 3: "Stem", 4: "Putamen_R"},
    ),
    "nothing but numbers": ("1\n2\n", {1: "1", 2: "2"}),
    "numbers as names": ("index,name\n1,44\n2,45\n", {1: "44", 2: "45"}),
    "no name": ("index,name\n1,\n2,GM\n", {1: "label 1", 2: "GM"}),
    "0 to n with a background": ("0,background\n1,CSF\n2,GM\n", {1: "CSF", 2: "GM"}),
    "old Mac": ("index,name\r1,CSF\r2,GM\r", {1: "CSF", 2: "GM"}),
    "largest": (f"{2**31 - 1},CSF\n", {2**31 - 1: "CSF"}),
    "colours first, headings": ("r,g,b,labelvalue,structure name\n1,2,3,7,CSF\n", {7: "CSF"}),
    "FSLeyes": ("1 0.93 0.2 0.1 Frontal Pole\n2 0 1 0.5 Left Insula\n", {1: "Frontal Pole", 2: "Left Insula"}),
    "Workbench": ("Left Hip\n1 220 216 20 255\nCSF\n2 1 2 3 255\n", {1: "Left Hip", 2: "CSF"}),
    "AFNI": (
        '<VALUE_LABEL_DTABLE\n ni_type="2*String"\n ni_dimen="2" >\n "1" "Left Hip"\n "7" "CSF"\n</VALUE_LABEL_DTABLE>\n',
        {1: "Left Hip", 7: "CSF"},
    ),
    "CAT12": ("ROIid;ROIabbr;ROIname;ROIbaseid\n1;lAmy;Left Amygdala;1\n2;rAmy;Right Amygdala;1\n", {1: "Left Amygdala", 2: "Right Amygdala"}),
    "Schaefer, centroids": ("ROI Label,ROI Name,R,A,S\n1,7Networks_LH_Vis_1,-24,-53,-9\n2,7Networks_LH_Vis_2,-26,-77,-1\n", {1: "7Networks_LH_Vis_1", 2: "7Networks_LH_Vis_2"}),
    "a colon": ("1: Left Hip\n2: Area 4\n", {1: "Left Hip", 2: "Area 4"}),
    "a dash": ("1 - Left Hip\n2 – CSF\n", {1: "Left Hip", 2: "CSF"}),
    "an equals sign": ("1=Left Hip\n2 = CSF\n", {1: "Left Hip", 2: "CSF"}),
    "a list": ("1. Left Hip\n2. CSF\n", {1: "Left Hip", 2: "CSF"}),
    "one name twice": ("1,Hip\n2,Hip\n3,CSF\n", {1: "Hip (1)", 2: "Hip (2)", 3: "CSF"}),
    "part of a row": ("index,name,note\n1,CSF\n2,GM,grey\n", {1: "CSF", 2: "GM"}),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_read_as_meant(named, case):
    assert named(GOOD[case][0]) == GOOD[case][1]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_encodings(named, encoding):
    assert named("index;name\n1;Gyrus frontalis größer\n", encoding) == {1: "Gyrus frontalis größer"}


def test_sides_are_told(read):
    assert read(GOOD["words"][0])["hemisphere"].tolist() == ["L", "R"]
    assert read(MRTRIX)["hemisphere"].tolist() == ["L", "L", "R"]
    assert read(GOOD["numbers and sides apart"][0])["hemisphere"].tolist() == ["L", "R", "", "R"]


REFUSED = {
    "a number that may be a code": ("1 Vermis 3\n2 Hippocampus 7\n", "cannot be read for certain"),
    "codes that repeat": ("1 Precentral 2001\n2 Frontal 2001\n", "cannot be read for certain"),
    "short or first name": ("1 Frontal Pole 1 2 3 0\n2 Insular Cortex 1 2 3 0\n", "short name and a name, or one name"),
    "name and number": ("Left Hippocampus 17\nRight Amygdala 54\n", "cannot be read for certain"),
    "numbers before names": ("1 255 0 0 CSF\n2 0 255 0 GM\n", "cannot be read for certain"),
    "three numbers behind": ("1 CSF 255 0 0\n2 GM 0 255 0\n", "3 numbers stand behind every name"),
    "no colours": ("1 CSF 300 0 0 1\n2 GM 0 255 0 1\n", "4 numbers stand behind every name"),
    "a line without a number": ("1 CSF\ntwo GM\n", "cannot be read for certain"),
    "a line without a name": ("1 CSF 1 2 3 0\n2 1 2 3 0\n", "cannot be read for certain"),
    "half of Workbench": ("CSF\n1 255 0 0 255\nGM\n", "expected"),
    "words in two columns": ("index name abbreviation\n1 Left Hippocampus LHip\n", "words in the column of names alone"),
    "words under too many headings": ("no label name r g b a\n17 Left-Hippocampus 220 216 20 0\n", "7 words as in the header, got 6"),
    "a comma that is not quoted": ("index,name\n1,Caudate, left\n2,GM\n", "as long as the header .2 cells., got 3 in line 2"),
    "the same without headings": ("1,Caudate, left\n2,GM\n", "got 3 cells in line 1 and 2 in line 2"),
    "open quotes": ('1,"CSF\n2,GM"\n', "quotes to end on their line, got line 1"),
    "colours before names": ("1,255,0,0,CSF\n2,255,0,0,CSF\n", "names repeats"),
    "two numbers": ("1,101\n2,102\n", "a number and a name in each line"),
    "no number": ("Caudate,left\nPutamen,right\n", "column of whole numbers"),
    "words in two columns, no headings": ("1,L,Caudate\n2,L,Putamen\n", "names repeats"),
    "number behind words": ("Caudate,left,1\nPutamen,left,2\n", "several columns of words"),
    "numbers where names should be": ("index,name,area_long\n1,220,CSF\n2,216,GM\n", "expected names in column 2, got numbers"),
    "names of an unknown column": ("index,colour,hex\n1,red,ff0000\n", "column of names"),
    "rows counted, and numbers": ("index,label,name\n0,17,CSF\n1,18,GM\n", "column 1, which counts the rows from 0"),
    "counted from 0": ("0,Frontal Pole\n1,Insular Cortex\n2,Stem\n", "counted from 0; add 1"),
    "counted from 0, FSL": (FSL.format(type="Label", first=0, name="Frontal Pole"), "counted from 0"),
    "FSL of no type": (FSL.format(type="", first=0, name="Frontal Pole"), "<type>Label</type>"),
    "FSL of statistics": (FSL.format(type="Statistic", first=0, name="Frontal Pole"), "<type>Label</type>"),
    "FSL with a fraction": (FSL.format(type="Label", first="0.5", name="Frontal Pole"), "whole number as the index"),
    "twice": (FREESURFER + "54 Again 1 2 3 0\n", "2 for label 54"),
    "twice under two short names": (MRTRIX + "84 X.CER Cerebellum-Cortex 1 2 3 255\n", "2 for label 84"),
    "too large": (f"{2**31},CSF\n", "at most 2147483647"),
    "far too large": ("9" * 30 + ",CSF\n", "at most 2147483647"),
    "a fraction": ("index,name\n1.5,CSF\n", "whole numbers"),
    "negative": ("index,name\n-1,CSF\n", "whole numbers"),
    "one fraction": ("index,name\n1,CSF\n2.5,GM\n", "got less in line 3"),
    "only background": ("0,background\n", "none but the background"),
    "only headings": ("index,name\n", "none but the background"),
    "other XML": ("<atlas><data/></atlas>", "without elements <label>"),
    "damaged XML": ("<atlas><label index='1'>CSF</atlas>", "damaged XML .line 1"),
    "XML with entities": ("<!DOCTYPE a [<!ENTITY b 'c'>]><atlas><label index='1'>&b;</label></atlas>", "document type"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(100), "spreadsheet"),
    "binary": (b"1,CSF\0\n", "binary"),
    "UTF-16 without a mark": ("1,CSF\n".encode("utf-16-le"), "binary"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_reason(read, case):
    with pytest.raises(ValueError, match=REFUSED[case][1]) as caught:
        read(REFUSED[case][0])
    assert str(caught.value).startswith("areas.txt: ")


@pytest.mark.parametrize("case", REFUSED)
def test_no_word_of_the_file_is_told(read, case):
    with pytest.raises(ValueError) as caught:
        read(REFUSED[case][0])
    for word in ("CSF", "Caudate", "Precentral", "Frontal", "Hippocampus", "Vermis", "ff0000", "220"):
        assert word not in str(caught.value).replace("R G B A", "")


def test_xml_nested_without_end(read):
    with pytest.raises(ValueError, match=r"areas\.txt: expected the XML file"):
        read("<a>" * 100_000)
    with pytest.raises(ValueError, match=r"areas\.txt: expected the XML file"):
        read("<a>" * 50_000 + "</a>" * 50_000)


def test_an_atlas_with_a_label_file(tmp_path, oblique_affine):
    labels = np.zeros((7, 8, 9), np.uint8)
    labels[1, 2, 3], labels[4, 5, 6] = 17, 53
    nib.Nifti1Image(labels, oblique_affine).to_filename(tmp_path / "aseg.nii.gz")
    (tmp_path / "lut.txt").write_text(FREESURFER, encoding="utf-8")
    atlas = load_atlas(tmp_path / "aseg.nii.gz", tmp_path / "lut.txt")
    assert atlas.names_at(atlas.grid.to_mm((1, 2, 3))) == "Left-Hippocampus"
    assert atlas.names_at(atlas.grid.to_mm((4, 5, 6))) == "Right-Hippocampus"
    assert atlas.empty == ["Right-Amygdala"]
