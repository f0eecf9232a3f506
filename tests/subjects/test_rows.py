"""Rows of tables: too long, quoted, repeated, of second visits; and names that are nearly the same."""

import unicodedata
from pathlib import Path

import pytest

from mriinterp.base.names import near_names, on_disk
from mriinterp.subjects import read_subjects, read_table


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# Rows longer than the header ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "where", "cells"),
    [
        ("id,group,age\nI1,AD,71,5\nI2,CN,70\n", "4 cells in row 1 (line 2)", "I1 | AD | 71 | 5"),
        ("id,group,age\nI2,CN,70\nI1,AD,71,5\n", "4 cells in row 2 (line 3)", "I1 | AD | 71 | 5"),
        ("id,group,age\nI1,AD,71,5\nI2,CN,70,2\n", "4 cells in row 1 (line 2)", "I1 | AD | 71 | 5"),
        ("sep=;\nid;group\nI1;AD;x\n", "3 cells in row 1 (line 3)", "I1 | AD | x"),
        ("id\tgroup\n\nI1\tAD\tx\ty\n", "4 cells in row 2 (line 3)", "I1 | AD | x | y"),
        ('id,note\n"a",b\n"c\nd",e,f\n', "3 cells in row 2 (line 4)", "c\nd | e | f"),
        ("id,group\nI1,AD,,x\n", "4 cells in row 1 (line 2)", "I1 | AD |  | x"),
    ],
)
def test_a_row_longer_than_the_header_is_refused_with_row_and_cells(tmp_path, content, where, cells):
    with pytest.raises(ValueError, match="as long as the header") as error:
        read_table(touch(tmp_path / "t.csv", content.encode()))
    assert where in str(error.value)
    assert cells in str(error.value)


@pytest.mark.parametrize("row", ["I1,AD,,", "I1,AD,", 'I1,AD, ,""', "I1,AD"])
def test_empty_cells_behind_the_last_column_are_fine(tmp_path, row):
    table = read_table(touch(tmp_path / "t.csv", f"id,group\n{row}\nI2,CN\n".encode()))
    assert table.to_numpy().tolist() == [["I1", "AD"], ["I2", "CN"]]


def test_every_long_row_counts_but_few_are_shown(tmp_path):
    rows = "\n".join(f"I{n},AD,x" for n in range(10))
    with pytest.raises(ValueError, match="and 7 more rows"):
        read_table(touch(tmp_path / "t.csv", f"id,group\n{rows}\n".encode()))


@pytest.mark.parametrize(
    "content",
    [
        b"root:x:0:0:secret:/root:/bin/bash\ndaemon:x:1:1,a,b:/usr/sbin\n",
        b"root:*:19000:0:99999:7:::\nsecret:$6$hash$secret,x:19000\n",
    ],
)
def test_the_content_of_a_file_that_is_no_table_stays_out_of_messages(tmp_path, content):
    with pytest.raises(ValueError) as error:
        read_subjects(touch(tmp_path / "t.csv", content))
    assert "secret" not in str(error.value)
    assert "root" not in str(error.value)


def test_a_first_column_without_a_heading_is_no_shift(tmp_path):
    """What pandas and R write as row names: the cell above them is empty."""
    table = read_table(touch(tmp_path / "t.tsv", b"\tid\tgroup\n0\tI1\tAD\n1\tI2\tCN\n"))
    assert table["id"].tolist() == ["I1", "I2"]
    assert table["group"].tolist() == ["AD", "CN"]


def test_a_quotation_mark_that_is_not_closed_is_named(tmp_path):
    with pytest.raises(ValueError, match="quotation mark"):
        read_table(touch(tmp_path / "t.csv", b'id,group\n"I1,AD\nI2,CN\n'))
    table = read_table(touch(tmp_path / "u.csv", b'id,group\n"""I1""",AD\n"I2" ,CN\n'))
    assert table["id"].tolist() == ['"I1"', "I2"]


def test_two_columns_of_one_name_are_told_if_they_differ(tmp_path):
    table = touch(tmp_path / "t.csv", b"id,Group,Group\na,AD,CN\nb,CN,CN\n")
    frame, report = read_subjects(table, keep_missing=True)
    assert frame["group"].tolist() == ["AD", "CN"]
    assert "several columns Group; the first is taken" in report.text()


# Second visits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "ids"),
    [
        ("ID,Visit,Group\nS1,1,CN\nS1,2,CN\nS2,1,AD\n", ["S1_1", "S1_2", "S2"]),
        ("ID,Visit,Group\nS1,bl,CN\nS1,m12,AD\n", ["S1_bl", "S1_m12"]),
        ("ID,Group,Date\nS1,CN,2001-05-13\nS1,CN,2002-05-13\n", ["S1_20010513", "S1_20020513"]),
        ("ID,Group,Age\nS1,CN,70\nS1,CN,71\n", ["S1", "S1_2"]),
        ("Subject,Group,Age\nS1,CN,70\nS1,CN,71\n", ["S1", "S1_2"]),
        ("Subject,Group,Date,Age\nS1,CN,2001-05-13,70\nS1,CN,2002-05-13,71\n", ["S1_20010513", "S1_20020513"]),
    ],
)
def test_a_second_visit_is_no_duplicate(tmp_path, content, ids):
    frame, report = read_subjects(touch(tmp_path / "t.csv", content.encode()), keep_missing=True)
    assert frame["id"].tolist() == ids
    assert set(frame["subject"]) <= {"S1", "S2"}
    assert "twice" not in report.text()


def test_the_same_row_again_is_one(tmp_path):
    for content in (b"ID,Group,Age\nS1,CN,70\nS1,CN,70\n", b"Subject,Group,Age\nS1,CN,70\nS1,CN,70\n"):
        frame, report = read_subjects(touch(tmp_path / "t.csv", content), keep_missing=True)
        assert frame["id"].tolist() == ["S1"]
        assert "the row is there twice" in report.text()


def test_one_id_of_two_people_stays_an_error(tmp_path):
    table = touch(tmp_path / "t.csv", b"id,subject,group,visit\na,s,CN,1\na,t,CN,2\n")
    frame, report = read_subjects(table, keep_missing=True)
    assert frame.empty
    assert "one id stands for different scans" in report.text()


def test_visits_find_their_own_files(tmp_path):
    for name in ("S1_1.nii", "S1_2.nii"):
        touch(tmp_path / "images" / name)
    table = touch(tmp_path / "t.csv", b"ID,Visit,Group\nS1,1,CN\nS1,2,CN\n")
    frame, _ = read_subjects(table, tmp_path / "images")
    assert [Path(p).name for p in frame["path"]] == ["S1_1.nii", "S1_2.nii"]


def test_a_missing_id_is_no_id(tmp_path):
    frame, report = read_subjects(touch(tmp_path / "t.csv", b"id,group\nn/a,CN\nI2,AD\n"), keep_missing=True)
    assert frame["id"].tolist() == ["I2"]
    assert "they have no id or no subject" in report.text()


# Unicode forms ------------------------------------------------------------------------------------

NFC, NFD = (unicodedata.normalize(form, "Müller_é1") for form in ("NFC", "NFD"))


@pytest.mark.parametrize("on_table", [NFC, NFD])
@pytest.mark.parametrize("on_file", [NFC, NFD])
@pytest.mark.parametrize("way", ["id", "path", "prefix"])
def test_either_unicode_form_is_one_name(tmp_path, on_table, on_file, way):
    image = touch(tmp_path / "images" / on_file / f"{on_file}.nii")
    written = {"id": "", "path": f"{on_table}/{on_table}.nii", "prefix": f"D:\\x\\{on_table}\\{on_table}.nii"}[way]
    table = touch(tmp_path / "t.csv", f"id,group,path\n{on_table},CN,{written}\n".encode())
    frame, report = read_subjects(table, tmp_path / "images", prefixes={"D:\\x": tmp_path / "images"})
    assert [Path(p) for p in frame["path"]] == [image]
    assert frame["id"].tolist() == [NFC]
    corrupt = read_subjects(table, tmp_path / "images", prefixes={"D:\\x": tmp_path / "images"}, corrupt=[NFD])
    assert corrupt[0].empty
    assert report.ok


def test_groups_and_columns_of_either_form(tmp_path):
    table = touch(tmp_path / "t.csv", f"id,{NFD}\na,gesünder\n".encode())
    groups = {"well": [unicodedata.normalize("NFD", "gesünder")]}
    frame, _ = read_subjects(table, columns={"group": NFC}, groups=groups, keep_missing=True)
    assert frame["group"].tolist() == ["well"]


def test_a_path_as_the_disk_spells_it(tmp_path):
    made = touch(tmp_path / NFD / "x.nii")
    assert on_disk(tmp_path / NFC / "x.nii") == made
    assert on_disk(tmp_path / NFC / "absent.nii") == tmp_path / NFD / "absent.nii"
    assert on_disk(Path("plain.nii")) == Path("plain.nii")


# Near matches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("ses-1", ["ses-01", "ses-02", "ses-11"], ["ses-01"]),
        ("12", ["0012", "0120", "112"], ["0012"]),
        ("0012", ["12", "0012"], ["12"]),
        ("ad", ["AD", "CN"], ["AD"]),
        ("002-S-0295", ["002_S_0295", "002_S_0296"], ["002_S_0295"]),
        ("sub-7", ["007", "07", "sub-07", "sub-70"], ["007", "07", "sub-07"]),
        ("", ["a"], []),
        ("I103", ["I104"], []),
    ],
)
def test_near_names(name, known, near):
    assert near_names(name, known) == near


@pytest.mark.parametrize(
    ("ident", "image"),
    [
        ("12", "0012/T1.nii.gz"),
        ("12", "sub-0012_T1w.nii.gz"),
        ("0012", "12.nii"),
        ("sub-1_ses-1", "sub-01/ses-01/anat/sub-01_ses-01_T1w.nii.gz"),
        ("AB-7", "scan_ab_007_x.nii"),
    ],
)
def test_a_near_image_is_proposed_and_not_taken(tmp_path, ident, image):
    touch(tmp_path / "images" / image)
    touch(tmp_path / "images" / "other_T1w.nii")
    table = touch(tmp_path / "t.csv", f"id,group\n{ident},CN\n".encode())
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame.empty
    assert f"Nearly the same name, not taken (1); correct the table, or the files: {ident} ({image}?)" in report.text()


def test_the_number_of_a_run_or_session_is_no_id(tmp_path):
    for name in ("12.nii", "13_T1w.nii", "sub-5_ses-1_run-1_T1w.nii"):
        touch(tmp_path / "images" / name)
    table = touch(tmp_path / "t.csv", b"id,group\n012,CN\n12,CN\n1,AD\n")
    frame, report = read_subjects(table, tmp_path / "images")
    assert frame["id"].tolist() == ["12"]
    assert "12.nii" not in report.text()  # it is taken, by the very id
    assert "files are missing: 012, 1" in report.text()


def test_a_near_path_is_proposed(tmp_path):
    touch(tmp_path / "scans" / "sub-01.nii")
    table = touch(tmp_path / "t.csv", b"id,group,path\na,CN,scans/sub-1.nii\n")
    _, report = read_subjects(table)
    assert "a (sub-01.nii?)" in report.text()


def test_near_sessions_and_participants_of_bids_are_proposed(tmp_path):
    touch(tmp_path / "sub-01" / "ses-01" / "anat" / "sub-01_ses-01_T1w.nii.gz")
    touch(tmp_path / "sub-0012" / "anat" / "sub-0012_T1w.nii.gz")
    table = b"participant_id\tsession_id\tgroup\nsub-01\tses-1\tx\n12\t\ty\nsub-99\t\ty\n"
    frame, report = read_subjects(touch(tmp_path / "participants.tsv", table))
    assert frame.empty
    assert "sub-01_ses-1 (ses-01?), sub-12 (sub-0012?)" in report.text()
    assert "sub-99 (" not in report.text()


def test_near_entries_of_other_lists_are_proposed(tmp_path):
    table = touch(tmp_path / "t.csv", b"id,group\nI0012,ad\nI2,CN\n")
    _, report = read_subjects(table, groups=["AD", "CN"], corrupt=["I12"], keep_missing=True)
    assert "I12; did you mean I0012?" in report.text()
    assert "No scan is left of group AD; the table has CN (1), ad (1); did you mean ad?" in report.text()
    with pytest.raises(ValueError, match="did you mean id"):
        read_subjects(table, columns={"id": "ID"})


# Numbers that a spreadsheet wrote -----------------------------------------------------------------


@pytest.mark.parametrize("labels", [["1"], ["1.0"], [1]])
def test_a_group_of_a_whole_number_is_found_in_either_form(tmp_path, labels):
    table = touch(tmp_path / "t.csv", b"SUB_ID,DX_GROUP,AGE_AT_SCAN,SEX\n50003,1.0,24.4,1.0\n50004,2,19,2\n")
    frame, _ = read_subjects(table, groups={"autism": labels}, keep_missing=True)
    assert frame[["id", "subject", "group", "sex", "age"]].to_numpy().tolist() == [
        ["50003", "50003", "autism", "M", 24.4]
    ]


def test_a_table_whose_columns_are_not_separated_is_explained(tmp_path):
    with pytest.raises(ValueError, match="tab, comma or semicolon separates columns"):
        read_subjects(touch(tmp_path / "t.tsv", b"participant group\nsub-01 AD\n"))
