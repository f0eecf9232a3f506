"""The tables of OASIS-1, -2 and -3, with the columns of the published files."""

import math
from pathlib import Path

import pytest

from mriinterp.subjects import detect_layout, read_subjects, read_table


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


OASIS1 = """ID,M/F,Hand,Age,Educ,SES,MMSE,CDR,eTIV,nWBV,ASF,Delay
OAS1_0001_MR1,F,R,74,2,3,29,0,1344,0.743,1.306,N/A
OAS1_0061_MR1,F,R,20,,,,,1503,0.861,1.168,N/A
OAS1_0003_MR1,F,R,73,4,3,27,0.5,1454,0.708,1.207,N/A
OAS1_0061_MR2,F,R,20,,,,,1510,0.860,1.162,27
OAS1_0031_MR1,M,R,88,1,4,26,1,1419,0.674,1.236,N/A
"""
OASIS2 = """Subject ID,MRI ID,Group,Visit,MR Delay,M/F,Hand,Age,EDUC,SES,MMSE,CDR,eTIV,nWBV,ASF
OAS2_0001,OAS2_0001_MR1,Nondemented,1,0,M,R,87,14,2,27,0,1987,0.696,0.883
OAS2_0001,OAS2_0001_MR2,Nondemented,2,457,M,R,88,14,2,30,0,2004,0.681,0.876
OAS2_0002,OAS2_0002_MR1,Demented,1,0,M,R,75,12,,23,0.5,1678,0.736,1.046
OAS2_0018,OAS2_0018_MR1,Converted,1,0,F,R,87,14,1,30,0,1406,0.715,1.248
OAS2_0018,OAS2_0018_MR3,Converted,2,489,F,R,88,14,1,29,0.5,1398,0.713,1.255
"""
OASIS3 = """MR ID,Subject,Date,Age,M/F,Scanner,Scans,cdr
OAS30001_MR_d0129,OAS30001,,65,F,3.0T,"T1w(2), T2w(1)",0
OAS30001_MR_d0757,OAS30001,,67,F,3.0T,T1w(1),0
OAS30002_MR_d0371,OAS30002,,68,M,3.0T,T1w(1),0.5
"""
XNAT = """Label,Project,Date,Subject,M/F,Age,Type,Scanner,Scans
OAS30001_MR_d0129,OASIS3,,OAS30001,F,65,,3.0T,"T1w(2)"
OAS30001_MR_d0757,OASIS3,,OAS30001,F,67,,3.0T,"T1w(1)"
OAS30002_MR_d0371,OASIS3,,OAS30002,M,68,,3.0T,"T1w(1)"
"""
ADRC = """ADRC_ADRCCLINICALDATA ID,Subject,Date,Age,mmse,ageAtEntry,cdr,dx1
OAS30001_ClinicalData_d0000,OAS30001,,,28,65.15,0,Cognitively normal
OAS30001_ClinicalData_d0339,OAS30001,,,29,65.15,0,Cognitively normal
OAS30001_ClinicalData_d0722,OAS30001,,,25,65.15,0.5,AD Dementia
OAS30002_ClinicalData_d0350,OAS30002,,,27,67.25,0.5,uncertain dementia
OAS30003_ClinicalData_d0000,OAS30003,,,27,70,0,Cognitively normal
"""
UDSB4 = """OASISID,OASIS_session_label,days_to_visit,age at visit,MMSE,CDRSUM,CDRTOT,dx1
OAS30001,OAS30001_UDSb4_d0000,0,65.15,28,0,0,Cognitively normal
OAS30001,OAS30001_UDSb4_d0339,339,66.07,29,0,0,Cognitively normal
OAS30001,OAS30001_UDSb4_d0722,722,67.12,25,3,0.5,AD Dementia
OAS30002,OAS30002_UDSb4_d0350,350,68.21,27,2,0.5,uncertain dementia
OAS30003,OAS30003_UDSb4_d0000,0,70,27,0,0,Cognitively normal
"""


@pytest.fixture
def read(tmp_path):
    def call(content: str, *images: str, **more):
        table = touch(tmp_path / "table.csv", content.encode())
        for name in images:
            touch(tmp_path / "images" / name)
        return read_subjects(table, tmp_path / "images" if images else None, **more)

    return call


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (OASIS1, "oasis1"),
        (OASIS2, "oasis2"),
        (OASIS3, "oasis3"),
        (XNAT, "xnat"),
        (ADRC, "oasis3clinical"),
        (UDSB4, "oasis3clinical"),
    ],
)
def test_each_table_is_known_by_its_columns(tmp_path, content, kind):
    assert detect_layout(read_table(touch(tmp_path / "t.csv", content.encode())).columns).name == kind


def test_oasis_1(read):
    names = ["OAS1_0001_MR1", "OAS1_0003_MR1", "OAS1_0061_MR1", "OAS1_0061_MR2", "OAS1_0031_MR1"]
    images = [f"{name}/PROCESSED/{name}_mpr_n4_anon_111_t88_gfc.nii.gz" for name in names]
    frame, report = read(OASIS1, *images)
    assert frame["id"].tolist() == ["OAS1_0001_MR1", "OAS1_0003_MR1", "OAS1_0031_MR1"]
    assert frame["subject"].tolist() == ["OAS1_0001", "OAS1_0003", "OAS1_0031"]
    assert frame["group"].tolist() == ["0", "0.5", "1"]  # the CDR, as nothing else names a group
    assert frame["sex"].tolist() == ["F", "F", "M"]
    assert frame["age"].tolist() == [74, 73, 88]
    assert "Filtered out 2 of 5 scans because they name no group: OAS1_0061_MR1, OAS1_0061_MR2" in report.text()
    groups = {"young": ["", "0"], "ill": ["0.5", "1", "2"]}
    frame, report = read(OASIS1, *images, groups=groups)
    second = frame.set_index("id").loc[["OAS1_0061_MR1", "OAS1_0061_MR2"]]
    assert second["subject"].tolist() == ["OAS1_0061", "OAS1_0061"]  # one person, for the split
    assert second["visit"].tolist() == ["MR1", "MR2"]
    assert report.ok
    assert "names no subject" not in report.text()


def test_oasis_2(read):
    names = ["OAS2_0001_MR1", "OAS2_0001_MR2", "OAS2_0002_MR1", "OAS2_0018_MR1", "OAS2_0018_MR3"]
    frame, report = read(OASIS2, *[f"{name}/RAW/mpr-1.nii" for name in names])
    assert frame["id"].tolist() == names
    assert frame["subject"].tolist() == ["OAS2_0001", "OAS2_0001", "OAS2_0002", "OAS2_0018", "OAS2_0018"]
    assert frame["visit"].tolist() == ["1", "2", "1", "1", "2"]
    assert frame["group"].tolist() == ["Nondemented", "Nondemented", "Demented", "Converted", "Converted"]
    assert frame["sex"].tolist() == ["M", "M", "M", "F", "F"]
    assert report.ok
    assert not report.of("warning")


@pytest.mark.parametrize("content", [OASIS3, XNAT])
def test_oasis_3_sessions(read, content):
    images = [
        "OAS30001_MR_d0129/anat2/sub-OAS30001_ses-d0129_run-01_T1w.nii.gz",
        "OAS30001_MR_d0129/anat3/sub-OAS30001_ses-d0129_run-02_T1w.nii.gz",
        "OAS30001_MR_d0129/anat4/sub-OAS30001_ses-d0129_T2w.nii.gz",
        "OAS30001_MR_d0757/anat1/sub-OAS30001_ses-d0757_T1w.nii.gz",
        "sub-OAS30002/ses-d0371/anat/sub-OAS30002_ses-d0371_T1w.nii.gz",  # the other form of the archive
    ]
    frame, report = read(content, *images, groups={"CN": ["0", ""], "AD": ["0.5"]})
    assert frame["id"].tolist() == ["OAS30001_MR_d0129", "OAS30001_MR_d0757", "OAS30002_MR_d0371"]
    assert frame["subject"].tolist() == ["OAS30001", "OAS30001", "OAS30002"]
    assert frame["visit"].tolist() == ["d0129", "d0757", "d0371"]
    assert frame["month"].tolist() == pytest.approx([4.24, 24.87, 12.19], abs=0.01)
    assert frame["sex"].tolist() == ["F", "F", "M"]
    assert frame["path"][0].endswith("run-01_T1w.nii.gz")
    assert "the T1-weighted one is taken" in report.text()


@pytest.mark.parametrize("content", [ADRC, UDSB4])
@pytest.mark.parametrize("bids", [True, False])
def test_oasis_3_clinical_visits_are_paired_with_scans(read, content, bids):
    """Day 129 is nearest to day 0, 757 to 722, 371 to 350; day 2000 has no visit near."""
    sessions = [("OAS30001", "d0129"), ("OAS30001", "d0757"), ("OAS30002", "d0371"), ("OAS30003", "d2000")]
    form = "sub-{0}/ses-{1}/anat/sub-{0}_ses-{1}_T1w.nii.gz" if bids else "{0}_MR_{1}/brain.nii.gz"
    frame, report = read(content, *[form.format(*session) for session in sessions])
    assert frame["id"].tolist() == ["OAS30001_MR_d0129", "OAS30001_MR_d0757", "OAS30002_MR_d0371"]
    assert frame["subject"].tolist() == ["OAS30001", "OAS30001", "OAS30002"]
    assert frame["group"].tolist() == ["Cognitively normal", "AD Dementia", "uncertain dementia"]
    expected = [65.15 + 129 / 365.25, 65.15 + 757 / 365.25, 67.25 + 371 / 365.25]
    assert frame["age"].tolist() == pytest.approx(expected, abs=0.02)
    assert "MR sessions without a clinical visit within 180 days (1): OAS30003_MR_d2000" in report.text()
    assert "3 scans, 5 visits" in report.text()
    assert not math.isnan(frame["month"][0])


def test_clinical_visits_need_a_folder_of_scans(read):
    with pytest.raises(ValueError, match="folder of images"):
        read(UDSB4)


def test_demented_and_nondemented_are_told_apart():
    from mriinterp.study.create import _likeness

    assert [_likeness(g) for g in ("Nondemented", "Demented", "Converted", "0")] == [-1, 1, 0, -1]
