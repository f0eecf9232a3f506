"""Tables of subjects with the faults tables have, and the scans they lead to."""

import os
import sys

import numpy as np
import pandas as pd
import pytest

from mriinterp.subjects import COLUMNS, read_subjects, read_table

LONI_HEADER = '"Image Data ID","Subject","Group","Sex","Age","Visit","Modality","Description","Type","Acq Date","Format","Downloaded"'


def touch(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def loni_row(image, subject, group, date, sex="F", age="74", modality="MRI", visit="1"):
    return f'"{image}","{subject}","{group}","{sex}","{age}","{visit}","{modality}","MPR; N3","Processed","{date}","NiFTI",""'


def write_loni(path, rows):
    path.write_text("\n".join([LONI_HEADER, *rows]), encoding="utf-8")
    return path


@pytest.fixture
def loni(tmp_path):
    """A LONI search result with every fault of the issue, and a folder of images."""
    images = tmp_path / "images"
    rows = [
        loni_row("I45117", "002_S_0295", "CN", "2006-02-05 00:00:00"),  # 5 February, or 2 May?
        loni_row("I4511", "002_S_0413", "AD", "11/29/2006", sex="M", age="74,5"),
        loni_row("I50001", "002_S_0619", "AD", "2006-05-05 00:00:00", age="074Y"),  # exchanged or not, the same day
        loni_row("I50002", "002_S_0619", "AD", "1/13/2007", visit="2"),
        loni_row("I50003", "005_S_0221", "MCI", "11/30/2006"),
        loni_row("I50004", "005_S_0222", "AD", "11/30/2006", modality="PET"),
        loni_row("I50005", "005_S_0223", "CN", "someday"),  # unreadable date
        loni_row("I50005", "005_S_0223", "CN", "11/30/2006"),  # twice
        loni_row("I50006", "005_S_0224", "CN", "11/30/2006"),  # one id, two people
        loni_row("I50006", "005_S_0225", "AD", "11/30/2006"),
        loni_row("I50007", "005_S_0226", "CN", "11/30/2006"),  # no file
        loni_row("I50008", "005_S_0227", "CN", "11/30/2006"),  # corrupt
        loni_row("I50009", "005_S_0228", "CN", "11/30/2006"),  # two different files
        loni_row("", "005_S_0229", "CN", "11/30/2006"),
    ]
    for image in ("I50003", "I50004", "I50005", "I50006", "I50008"):
        touch(images / "deep" / image / "scan.nii")
    touch(images / "002_S_0295" / "MPR" / "ADNI_002_S_0295_MR_MPR_Br_20070215_S13408_I45117.nii")
    touch(images / "mri" / "wmADNI_x_I4511.nii.gz")
    touch(images / "mri" / "mwp1I50001.nii")
    touch(images / "mri" / "ADNI_I50002.nii")
    touch(images / "mri" / "ADNI_I50002.nii.gz")  # the same one, packed
    touch(images / "a" / "x_I50009.nii")
    touch(images / "b" / "y_I50009.nii")
    touch(images / "a" / "._x_I50007.nii")  # what macOS leaves behind
    touch(images / "a" / "x_I50007.txt")
    return write_loni(tmp_path / "search.csv", rows), images


def test_a_loni_table_with_all_its_faults(loni):
    table, images = loni
    frame, report = read_subjects(table, images, groups=["AD", "CN"], corrupt=["I50008", "I99999"])
    assert list(frame.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert frame["id"].tolist() == ["I45117", "I4511", "I50001", "I50002", "I50005"]
    assert frame["id"].is_unique
    assert [os.path.basename(p) for p in frame["path"]] == [
        "ADNI_002_S_0295_MR_MPR_Br_20070215_S13408_I45117.nii",
        "wmADNI_x_I4511.nii.gz",
        "mwp1I50001.nii",
        "ADNI_I50002.nii.gz",
        "scan.nii",
    ]
    assert frame["sex"].tolist() == ["F", "M", "F", "F", "F"]
    assert frame["age"].tolist() == [74, 74.5, 74, 74, 74]
    assert frame["date_ambiguous"].tolist() == [True, False, False, False, False]
    assert frame["date_text"][0] == "2006-02-05 00:00:00"
    assert pd.isna(frame["date"][0])  # never ordered by
    assert frame["date"][1:4].dt.strftime("%Y-%m-%d").tolist() == ["2006-11-29", "2006-05-05", "2007-01-13"]
    text = report.text()
    for line in (
        "Filtered out 1 of 14 scans because their modality is not MRI but PET: I50004",
        "Filtered out 1 of 13 scans because they have no id or no subject: 005_S_0229",
        "Filtered out 1 of 12 scans because the id is there twice, for the same subject and group: I50005",
        "error: Filtered out 2 of 11 scans because one id stands for different scans: I50006, I50006",
        "Filtered out 1 of 9 scans because they are listed as corrupt: I50008",
        "Entries of the list of corrupt scans that fit no scan (1 of 2): I99999",
        "Filtered out 2 of 8 scans because their files are missing: I50007, I50009",
        "Filtered out 1 of 6 scans because their group is MCI, not one of AD, CN: I50003",
        "Unreadable dates: 1 of 13: I50005 someday",
        "Scans with several images each (1)",
        "a/x_I50009.nii, b/y_I50009.nii",
        "Ambiguous dates: 1 of 13",
        "Scans: 5, people: 4",
    ):
        assert line in text, text
    assert not report.ok


def test_an_id_is_a_whole_word(tmp_path):
    table = write_loni(tmp_path / "t.csv", [loni_row("I4511", "s", "CN", ""), loni_row("I17", "t", "AD", "")])
    touch(tmp_path / "images" / "x_I45117.nii")
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame.empty
    assert "2 of 2 scans because their files are missing: I4511, I17" in report.text()


def test_a_pattern_chooses_between_images(tmp_path):
    table = write_loni(tmp_path / "t.csv", [loni_row("I1", "s", "CN", "")])
    for name in ("ADNI_I1.nii", "mri/mwp1ADNI_I1.nii", "mri/wmADNI_I1.nii"):
        touch(tmp_path / "images" / name)
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame.empty
    assert "ADNI_I1.nii, mri/mwp1ADNI_I1.nii, mri/wmADNI_I1.nii" in report.text()
    for pattern in ("wm*", "*/wm*.nii"):
        frame, _ = read_subjects(table, tmp_path / "images", pattern=pattern)
        assert frame["path"][0].endswith("wmADNI_I1.nii")


def test_other_loni_exports_with_bare_ids_and_spreadsheet_numbers(tmp_path):
    table = tmp_path / "idaSearch.csv"
    table.write_text(
        "Subject ID,Sex,Research Group,Visit,Study Date,Age,Modality,Description,Image ID\n"
        "002_S_1,M,CN,ADNI Baseline,4/18/2006,84.8,MRI,MPR,45108.0\n"
        "002_S_2,F,AD,ADNI1/GO Month 12,4/19/2006,84.8,MRI,MPR,45109\n",
        encoding="utf-8",
    )
    touch(tmp_path / "images" / "I45108" / "a.nii")
    touch(tmp_path / "images" / "b_45109.nii")
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame["id"].tolist() == ["45108", "45109"]
    assert frame["month"].tolist() == [0, 12]
    assert report.ok


ORIGINAL = """RID,PTID,VISCODE,DX,EXAMDATE,Image.ID,Scan.Date,Sequence,Visit,Month_bl,Screen.Diagnosis
7,099_S_0001,bl,Dementia,2005-09-12,90001,9/1/05,MPR,Screening,0,AD
7,099_S_0001,m12,Dementia,2006-09-12,90002,9/12/06,MPR,Month 12,11.9,AD
8,099_S_0002,bl,CN,2005-09-07,90003,10/2/05,MPR,Screening,0,NL
8,099_S_0002,m24,MCI,2007-09-07,90004,10/2/07,MPR,Month 24,24,NL
9,099_S_0003,bl,CN,2005-09-07,90005,2005-10-03,MPR,Screening,0,NL
"""


@pytest.fixture
def original(tmp_path):
    table = tmp_path / "visits.csv"
    table.write_text(ORIGINAL, encoding="utf-8")
    for path in (
        "099_S_0001/Screening/099_S_0001_9-1-05_Screening_90001_Dementia_Warped.nii.gz",
        "099_S_0001/Month12/099_S_0001_9-12-06_Month12_90002_Dementia_Warped.nii.gz",
        "099_S_0002/Screening/099_S_0002_10-2-05_Screening_90003_CN_Warped.nii.gz",
        "099_S_0002/Month24/099_S_0002_10-2-07_Month24_90004_MCI_Warped.nii.gz",
        "099_S_0003/Screening/099_S_0003_10-3-05_Screening_90005_CN_Warped.nii.gz",  # not the date of the table
        "other/099_S_0009_90003_Warped.nii.gz",
    ):
        touch(tmp_path / "images" / path)
    return table, tmp_path / "images"


def test_the_originals_table(original):
    table, images = original
    frame, report = read_subjects(
        table, images, groups={"AD": ["Dementia"], "CN": ["CN"]}, corrupt=["099_S_0002/Screening", "099_S_0001/Month12"]
    )
    assert frame["id"].tolist() == ["90001", "90005"]
    frame, report = read_subjects(table, images, groups={"AD": ["Dementia"], "CN": ["CN"]})
    assert frame["id"].tolist() == ["90001", "90002", "90003", "90005"]  # the scan is the key: one patient twice
    assert frame["subject"].tolist() == ["099_S_0001", "099_S_0001", "099_S_0002", "099_S_0003"]
    assert frame["group"].tolist() == ["AD", "AD", "CN", "CN"]
    assert frame["month"].tolist() == [0, 12, 0, 0]
    assert frame["path"][2].endswith("099_S_0002_10-2-05_Screening_90003_CN_Warped.nii.gz")
    assert frame["path"][3].endswith("099_S_0003_10-3-05_Screening_90005_CN_Warped.nii.gz")
    assert "Filtered out 1 of 5 scans because their group is MCI" in report.text()
    assert frame["Screen.Diagnosis"].tolist() == ["AD", "AD", "NL", "NL"]  # the other columns stay


def test_people_in_two_groups_are_named(original):
    _, report = read_subjects(*original)
    assert "People with scans in more than one group (1): 099_S_0002" in report.text()


def test_adnimerge(tmp_path):
    table = tmp_path / "ADNIMERGE.csv"
    table.write_text(
        '"RID","PTID","VISCODE","SITE","EXAMDATE","DX_bl","AGE","PTGENDER","IMAGEUID","DX"\n'
        '"2","011_S_0002","bl","11","2005-09-08","CN","74.3","Male","35475","CN"\n'
        '"2","011_S_0002","m06","11","2006-03-06","CN","74.3","Male","","CN"\n',
        encoding="utf-8",
    )
    touch(tmp_path / "images" / "I35475" / "x.nii")
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame[["id", "subject", "sex", "age", "visit"]].to_numpy().tolist() == [
        ["35475", "011_S_0002", "M", 74.3, "bl"]
    ]
    assert "Filtered out 1 of 2 scans because they have no id or no subject: 011_S_0002" in report.text()


def test_ages_of_adnimerge_are_those_of_the_visit(tmp_path):
    """The table gives everybody's age at the first visit, in every row; it is known without its column of images, too."""
    table = tmp_path / "ADNIMERGE.csv"
    table.write_text(
        "RID,PTID,VISCODE,EXAMDATE,DX_bl,AGE,PTGENDER,DX\n"
        "2,011_S_0002,bl,2005-09-08,CN,74.3,Male,CN\n2,011_S_0002,m18,2007-03-08,CN,74.3,Male,CN\n",
        encoding="utf-8",
    )
    frame, report = read_subjects(table, keep_missing=True)
    assert frame["age"].tolist() == [74.3, 75.8]
    assert frame["id"].tolist() == ["011_S_0002_bl", "011_S_0002_m18"]
    assert "Ages are those of the table, at the first visit, and the months" in report.text()


OTHERS = {
    "newer search of the LONI archive": (
        "subject_id,entity_id,visit,subject_age,subject_sex,research_group,image_id,image_date,image_description\n"
        "011_S_0002,s1,ADNI Baseline,74.3,M,CN,35475,2005-09-18,MPRAGE\n",
        ["35475", "011_S_0002", "CN", "M", 74.3, "ADNI Baseline", "2005-09-18"],
    ),
    "AIBL": (
        "RID,SITEID,VISCODE,DXNORM,DXMCI,DXAD,DXCURREN\n2,2,bl,1,-4,-4,1\n",
        ["2", "2", "1", "", None, "bl", ""],
    ),
    "NACC": (
        "NACCID,NACCVNUM,NACCAGE,SEX,NACCUDSD\nNACC000001,1,75,1,4\n",
        ["NACC000001", "NACC000001", "", "M", 75.0, "1", ""],
    ),
    "PPMI": (
        "PATNO,EVENT_ID,COHORT,SEX,AGE_AT_VISIT\n3000,BL,Control,1,65\n",
        ["3000", "3000", "Control", "M", 65.0, "BL", ""],
    ),
    "CamCAN": ("CCID\tAge\tGender\nCC110033\t24\tMALE\n", ["CC110033", "CC110033", "", "M", 24.0, "", ""]),
    "IXI": (
        "IXI_ID;SEX_ID (1=m, 2=f);STUDY_DATE;AGE\n1;2;2005-06-29;35.41\n",
        ["1", "1", "", "F", 35.41, "", "2005-06-29"],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_tables_of_other_studies(tmp_path, name):
    content, expected = OTHERS[name]
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    frame, _ = read_subjects(tmp_path / "t.csv", keep_missing=True)
    (row,) = frame.fillna({"age": -1})[["id", "subject", "group", "sex", "age", "visit", "date_text"]].to_numpy()
    assert [None if value == -1 else value for value in row] == expected


def test_minus_four_is_no_group(tmp_path):
    (tmp_path / "t.csv").write_text("RID,VISCODE,DXCURREN\n2,bl,1\n3,bl,-4\n", encoding="utf-8")
    frame, report = read_subjects(tmp_path / "t.csv", keep_missing=True)
    assert frame["group"].tolist() == ["1"]
    assert "Filtered out 1 of 2 scans because they name no group: 3" in report.text()


@pytest.mark.parametrize("more", ["", ",Scanner,scans"])
def test_a_column_called_label_that_names_scans_is_no_group(tmp_path, more):
    rows = "".join(f"OAS3000{n}_MR_d0129,OAS3000{n},65.5{',3.0T,T1w(2)' if more else ''}\n" for n in (1, 2, 3))
    (tmp_path / "t.csv").write_text(f"label,subject_id,AgeatScan{more}\n{rows}", encoding="utf-8")
    frame, report = read_subjects(tmp_path / "t.csv", keep_missing=True)
    assert frame["id"].tolist() == [f"OAS3000{n}_MR_d0129" for n in (1, 2, 3)]
    assert set(frame["group"]) == {""}
    assert "names no group" in report.text()
    (tmp_path / "t.csv").write_text("scan,label\na,AD\nb,CN\nc,AD\n", encoding="utf-8")
    assert read_subjects(tmp_path / "t.csv", keep_missing=True)[0]["group"].tolist() == ["AD", "CN", "AD"]


# Paths written on another machine -----------------------------------------------------------------


def test_windows_paths_with_a_prefix(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text(
        "id,subject,group,filepath\n"
        "a,s1,x,D:\\ADNI\\AD\\one.nii\n"
        "b,s2,x,d:\\adni\\CN\\two.nii.gz\n"
        'c,s3,x,"\\\\server\\share\\three.nii"\n'
        "d,s4,x,D:\\ADNI2\\four.nii\n",  # begins like the prefix, but is another folder
        encoding="utf-8",
    )
    data = tmp_path / "data"
    for name in ("AD/one.nii", "CN/two.nii.gz", "2/four.nii"):
        touch(data / name)
    touch(tmp_path / "share" / "three.nii")
    prefixes = {"D:\\ADNI": data, "\\\\Server\\Share": tmp_path / "share"}
    frame, report = read_subjects(table, prefixes=prefixes)
    assert frame["id"].tolist() == ["a", "b", "c"]
    assert all(os.path.isfile(p) for p in frame["path"])
    assert "Paths of a Windows machine that are not found here (1)" in report.text()
    assert "D:\\ADNI2\\" in report.text()


def test_a_loni_table_with_paths_falls_back_to_ids(tmp_path):
    table = tmp_path / "t.csv"
    rows = [("I1", "s1", r"E:\data\one.nii"), ("I2", "s2", r"E:\gone\two.nii"), ("I3", "s3", "")]
    lines = [f"{LONI_HEADER},filepath", *(loni_row(i, s, "AD", "") + f",{p}" for i, s, p in rows)]
    table.write_text("\n".join(lines), encoding="utf-8")
    for name in ("E/one.nii", "images/sub/x_I2.nii", "images/I3/y.nii.gz"):
        touch(tmp_path / name)
    frame, report = read_subjects(table, tmp_path / "images", prefixes={"E:/data": tmp_path / "E"})
    assert [os.path.basename(p) for p in frame["path"]] == ["one.nii", "x_I2.nii", "y.nii.gz"]
    assert report.ok
    assert "Windows" not in report.text()


def test_windows_paths_are_found_below_the_image_folder_without_a_prefix(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("id,subject,group,filepath\na,s1,x,D:\\ADNI\\AD\\one.nii\n", encoding="utf-8")
    touch(tmp_path / "data" / "AD" / "one.nii")
    touch(tmp_path / "data" / "one.nii")
    frame, _ = read_subjects(table, tmp_path / "data")
    assert frame["path"][0] == str(tmp_path / "data" / "AD" / "one.nii")  # as many parts as fit


@pytest.mark.parametrize("where", ["images", "table"])
def test_relative_paths(tmp_path, where):
    table = touch(tmp_path / "study" / "t.tsv", b"id\tgroup\tpath\na\tx\tscans/a.nii\n")
    base = tmp_path / ("images" if where == "images" else "study")
    (tmp_path / "images").mkdir()
    touch(base / "scans" / "a.nii")
    frame, _ = read_subjects(table, tmp_path / "images")
    assert frame["path"].tolist() == [str(base / "scans" / "a.nii")]


def test_one_file_for_two_ids_is_an_error(tmp_path):
    touch(tmp_path / "a.nii")
    table = touch(tmp_path / "t.csv", b"id,subject,group,path\na,s,x,a.nii\nb,t,y,a.nii\n")
    frame, report = read_subjects(table)
    assert frame.empty
    assert "error: Filtered out 2 of 2 scans because several ids lead to the same file: a, b" in report.text()


# BIDS ---------------------------------------------------------------------------------------------


def test_real_bids_study(shared_data):
    frame, report = read_subjects(shared_data / "ds002748")
    assert frame["id"].tolist() == [f"sub-{n}" for n in range(52, 60)]
    assert frame["age"][0] == 32
    assert set(frame["sex"]) == {"M", "F"}
    assert set(frame["group"]) == {"control"}
    assert all("space-MNI152" in p and os.path.isfile(p) for p in frame["path"])
    assert "Several T1-weighted images (2)" in report.text()
    native, _ = read_subjects(shared_data / "ds002748", pattern="*/native/*", kind="bids")
    assert native.empty  # the pattern counts from the folder: native/…
    native, report = read_subjects(shared_data / "ds002748", pattern="native/*")
    assert native["id"].tolist() == ["sub-52", "sub-53"]
    assert "Filtered out 6 of 8 scans because their files are missing" in report.text()


def test_bids_sessions_derivatives_and_strangers(tmp_path):
    for name in (
        "sub-01/ses-m00/anat/sub-01_ses-m00_T1w.nii.gz",
        "sub-01/ses-m12/anat/sub-01_ses-m12_run-2_T1w.nii.gz",
        "sub-01/ses-m12/anat/sub-01_ses-m12_run-1_T1w.nii.gz",
        "derivatives/prep/sub-01/ses-m12/anat/sub-01_ses-m12_space-MNI152NLin2009cAsym_desc-preproc_T1w.nii.gz",
        "sub-02/anat/sub-02_T1w.nii",
        "sub-02/anat/sub-02_T2w.nii",
        "sub-02/anat/sub-02_acq-b_T1w.nii",
        "sub-09/anat/sub-09_T1w.nii",
    ):
        touch(tmp_path / name)
    table = tmp_path / "participants.tsv"
    table.write_text("participant_id\tgender\tgroup\nsub-01\tf\tx\n02\tm\ty\nsub-03\t\ty\n", encoding="utf-8")
    frame, report = read_subjects(table)
    assert frame["id"].tolist() == ["sub-01_ses-m00", "sub-01_ses-m12", "sub-02"]
    assert frame["subject"].tolist() == ["sub-01", "sub-01", "sub-02"]
    assert frame["visit"].tolist() == ["m00", "m12", ""]
    assert frame["month"].tolist()[:2] == [0, 12]
    assert "space-MNI" in frame["path"][1]
    assert frame["path"][2].endswith("sub-02_T1w.nii")
    assert "Participants with images but no row in the table (1): sub-09" in report.text()
    assert "files are missing: sub-03" in report.text()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_links_to_absent_content_are_missing_and_loops_end(tmp_path):
    (tmp_path / "participants.tsv").write_text("participant_id\nsub-01\nsub-02\n", encoding="utf-8")
    (tmp_path / "sub-01_T1w.nii.gz").symlink_to(tmp_path / ".git" / "annex" / "nothing")
    touch(tmp_path / "elsewhere" / "sub-02_T1w.nii.gz")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path, target_is_directory=True)
    frame, report = read_subjects(tmp_path)
    assert frame["id"].tolist() == ["sub-02"]
    assert "The table names no group" in report.text()


# Plain tables, encodings, errors ------------------------------------------------------------------


def test_columns_named_by_the_user(tmp_path):
    table = tmp_path / "klinik.csv"
    table.write_bytes(
        'Nr;Patient;Diagnose;Geschlecht;Alter;Datei;Menge\n1;Müller;Demenz;w;"71,5";a.nii;train\n'
        "2;Müller;Demenz;w;73;b.nii;train\n3;Groß;gesund;männlich;0;c.nii;test\n".encode("cp1252")
    )
    for name in "abc":
        touch(tmp_path / "scans" / f"{name}.nii")
    columns = {
        "id": "Nr", "subject": "Patient", "group": "Diagnose", "sex": "Geschlecht", "age": "Alter", "path": "Datei",
        "split": "Menge",
    }  # fmt: skip
    frame, report = read_subjects(table, tmp_path / "scans", columns=columns)
    assert frame["subject"].tolist() == ["Müller", "Müller", "Groß"]
    assert frame["sex"].tolist() == ["F", "F", "M"]
    assert frame["age"].tolist() == [71.5, 73, 0]
    assert frame["split"].tolist() == ["train", "train", "test"]
    assert report.ok


def test_a_split_that_tears_a_patient_apart_is_an_error(tmp_path):
    for name in "ab":
        touch(tmp_path / f"{name}.nii")
    table = touch(tmp_path / "t.csv", b"id,subject,group,path,split\n1,torn,x,a.nii,train\n2,torn,x,b.nii,Test\n")
    _, report = read_subjects(table)
    assert any("torn" in f.message for f in report.errors)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters(tmp_path, encoding, delimiter):
    rows = [["id", "Größe, cm", "group"], ["é1", "1", "x"], ["", "", ""], ["b", "2;3", "y"]]
    text = "\r\n".join(delimiter.join(f'"{c}"' for c in row) for row in rows)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = read_table(tmp_path / "t.csv")
    assert table.columns.tolist() == rows[0]
    assert table.to_numpy().tolist() == [rows[1], rows[3]]


def test_text_stays_text(tmp_path):
    table = read_table(touch(tmp_path / "t.csv", b"sep=;\r\nid; group ;extra;\n007; NA ;;\n1e5;None;nan;\n"))
    assert table.to_numpy().tolist() == [["007", "NA", ""], ["1e5", "None", "nan"]]
    assert table.columns.tolist() == ["id", "group", "extra"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"  \n\n", "empty"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\x00\x01\x02\x03" * 9, "binary"),
        (b"id,group\n1,x\n2,y,z,w\n", "as long as the header"),
    ],
)
def test_what_is_no_table(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read_table(touch(tmp_path / "t.csv", content))


def test_errors_name_columns_expected_and_found(tmp_path):
    table = touch(tmp_path / "t.csv", b"Name,Score\na,1\n")
    with pytest.raises(ValueError, match=r"Image Data ID.*found: Name, Score"):
        read_subjects(table)
    with pytest.raises(ValueError, match=r"'Diagnose' for group.*found: Name, Score"):
        read_subjects(table, columns={"id": "Name", "group": "Diagnose"})
    with pytest.raises(ValueError, match=r"\['diagnosis'\]; available: id, subject, group"):
        read_subjects(table, columns={"diagnosis": "Score"})
    with pytest.raises(ValueError, match=r"group \(such as .*found: Subject, Image Data ID"):
        read_subjects(touch(tmp_path / "l.csv", b"Subject,Image Data ID\n1,2\n"), kind="loni")
    with pytest.raises(KeyError, match="auto, original, loni"):
        read_subjects(table, kind="xlsx")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_subjects(tmp_path / "nowhere.csv")
    with pytest.raises(FileNotFoundError, match=r"participants.tsv"):
        read_subjects(tmp_path)


def test_everything_wrong_is_reported_at_once(tmp_path):
    table = touch(tmp_path / "t.csv", b"id,subject,group,age,sex\na,s,x,old,q\nb,t,y,200,M\n")
    frame, report = read_subjects(table, tmp_path / "absent", groups=["AD", "CN"])
    assert frame.empty
    text = report.text()
    for line in (
        "expected a folder of images, found none",
        "2 of 2 scans because their files are missing: a, b",
        "No scan is left of group AD",
        "No scan is left of group CN",
        "Unreadable cells of age: 2 of 2: a (old), b (200)",
        "Unreadable cells of sex: 1 of 2: a (q)",
    ):
        assert line in text, text
    assert text.splitlines()[0].startswith("error")
    assert report.frame()["level"].tolist().count("error") == len(report.errors) >= 4


def test_empty_groups_are_left_out_unless_no_group_is_named_at_all(tmp_path):
    for name in "ab":
        touch(tmp_path / f"{name}.nii")
    table = touch(tmp_path / "t.csv", b"id,subject,group,path\na,s,n/a,a.nii\nb,t,CN,b.nii\n")
    frame, report = read_subjects(table)
    assert frame["id"].tolist() == ["b"]
    assert "Filtered out 1 of 2 scans because they name no group: a" in report.text()
    frame, report = read_subjects(table, columns={"group": ""})
    assert frame["group"].tolist() == ["", ""]
    assert "The table names no group" in report.text()
    frame, report = read_subjects(table, columns={"group": ""}, groups=["CN"])
    assert frame.empty
    assert "No scan is left of group CN" in report.text()
    assert 'no row names a group: name the column that does in [subjects.columns], as group = "COLUMN"' in report.text()


def test_groups_that_are_not_there_are_told_with_those_that_are(tmp_path):
    for name in "ab":
        touch(tmp_path / f"{name}.nii")
    table = touch(tmp_path / "t.csv", b"id,group,path\na,Dementia,a.nii\nb,CN,b.nii\n")
    frame, report = read_subjects(table, groups=["AD", "CN"])
    assert frame["id"].tolist() == ["b"]
    assert "No scan is left of group AD; the table has CN (1), Dementia (1)" in report.text()


def test_missing_scans_can_be_kept(tmp_path):
    table = touch(tmp_path / "t.csv", b"id,subject,group\na,s,x\nb,t,y\n")
    frame, _ = read_subjects(table, keep_missing=True)
    assert frame["path"].tolist() == ["", ""]


def test_a_table_with_a_header_only(tmp_path):
    for content in (b"id,group,path\n", LONI_HEADER.encode(), b"participant_id\tgroup\n"):
        frame, report = read_subjects(touch(tmp_path / "t.csv", content), tmp_path)
        assert frame.empty
        assert "No scan is left" in report.text()
        assert list(frame.columns[: len(COLUMNS)]) == list(COLUMNS)


def test_ids_are_made_where_the_table_has_none(tmp_path):
    for name in ("a", "b", "c"):
        touch(tmp_path / f"{name}.nii")
    visits = touch(tmp_path / "t.csv", b"subject,visit,group,path\ns,Month 0,x,a.nii\ns,Month 6,x,b.nii\n")
    assert read_subjects(visits)[0]["id"].tolist() == ["s_Month0", "s_Month6"]
    files = touch(tmp_path / "u.csv", b"group,path\nx,a.nii\ny,b.nii\n")
    frame, report = read_subjects(files)
    assert frame["id"].tolist() == frame["subject"].tolist() == ["a", "b"]
    assert "names no subject" in report.text()


def test_types_are_the_same_for_every_kind(loni, original, shared_data):
    frames = [read_subjects(*loni)[0], read_subjects(*original)[0], read_subjects(shared_data / "ds002748")[0]]
    for frame in frames:
        assert frame["age"].dtype == frame["month"].dtype == np.float64
        assert frame["date"].dtype.kind == "M"
        assert frame["date_ambiguous"].dtype == bool
        assert all(isinstance(v, str) for c in ("id", "subject", "group", "path", "split") for v in frame[c])


def test_sites_are_those_of_the_table_or_of_adnis_ids(tmp_path):
    for name in ("a", "b"):
        touch(tmp_path / f"{name}.nii")
    table = tmp_path / "table.csv"
    table.write_text("id,group,SITE_ID,filepath\na,CN,7.0,a.nii\nb,AD,n/a,b.nii\n", encoding="utf-8")
    frame, _ = read_subjects(table)
    assert frame["site"].tolist() == ["7", ""]
    assert frame["SITE_ID"].tolist() == ["7.0", "n/a"]  # under its own name as well: a network may read it
    table.write_text("id,subject,group,filepath\na,011_S_0005,CN,a.nii\nb,136_S_4269,AD,b.nii\n", encoding="utf-8")
    frame, report = read_subjects(table)
    assert frame["site"].tolist() == ["011", "136"]
    assert "Sites are the first number of ADNI's ids of people: 2 sites" in report.text()
    table.write_text("id,subject,group,filepath\na,011_S_0005,CN,a.nii\nb,P2,AD,b.nii\n", encoding="utf-8")
    assert read_subjects(table)[0]["site"].tolist() == ["", ""]
