"""The contact sheet of a folder of prepared scans."""

import json
import re
from dataclasses import replace
from io import BytesIO

from PIL import Image

from mriinterp.prepare import Finding, picture, quality
from mriinterp.prepare.folder import PreparedFiles
from mriinterp.prepare.sheet import write_contact_sheet

from .stand_in import DOUBTFUL, GOOD, REFUSED


def write_report(out, label, judged, *, small=True):
    files = PreparedFiles(out, label)
    files.folder.mkdir(parents=True)
    files.quality.write_text(json.dumps(judged.as_dict()))
    files.picture.write_bytes(b"png")
    if small:
        files.picture.with_suffix(".jpg").write_bytes(b"jpg")


def order_of(page):
    return re.findall(r"<h2>(sub-\w+):", page)


def test_the_worst_is_first_within_a_verdict_too(tmp_path):
    for label, judged, correlation in (
        ("sub-a", GOOD, 0.9), ("sub-b", GOOD, 0.71), ("sub-c", DOUBTFUL, 0.8), ("sub-d", DOUBTFUL, 0.6),
        ("sub-e", REFUSED, 0.4), ("sub-f", REFUSED, -0.6), ("sub-g", GOOD, 0.9),
    ):  # fmt: skip
        write_report(tmp_path, label, replace(judged, correlation=correlation))
    table = write_contact_sheet(tmp_path, {"sub-z": "no brain was found"})
    wanted = [f"sub-{letter}" for letter in "zfedcbag"]
    assert list(table["scan"]) == wanted
    assert order_of((tmp_path / "qc.html").read_text()) == wanted


def test_words_are_escaped(tmp_path):
    evil = '<script>alert(1)</script> & "quotes"'
    write_report(tmp_path, "sub-a", replace(GOOD, findings=(Finding("look", "x", evil),)))
    table = write_contact_sheet(tmp_path, {"sub-<b>": evil})
    page = (tmp_path / "qc.html").read_text()
    assert "<script>" not in page
    assert "sub-<b>" not in page
    assert page.count("&lt;script&gt;") == 2
    assert len(table) == 2
    assert len((tmp_path / "qc.tsv").read_text().splitlines()) == 3


def test_five_hundred_scans_are_small_pictures_that_load_in_view(tmp_path):
    for number in range(500):
        judged = (GOOD, DOUBTFUL, REFUSED)[number % 20 if number % 20 < 3 else 0]
        write_report(tmp_path, f"sub-{number:03d}", judged, small=number != 7)
    write_contact_sheet(tmp_path)
    page = (tmp_path / "qc.html").read_text()
    images = re.findall(r"<img [^>]+>", page)
    assert len(images) == 500
    assert all('loading="lazy"' in image and 'width="600" height="184"' in image for image in images)
    assert sum(".jpg" in image for image in images) == 499, "a folder of an earlier version has no small pictures"
    assert page.count('<a href="sub-') == 500
    assert "All 500" in page
    assert "refuse 25" in page
    assert len(page) < 1_000_000


def test_a_small_picture_has_the_proportions_of_the_whole():
    stream = BytesIO()
    Image.new("RGB", (1500, 460), "red").save(stream, "PNG")
    small = Image.open(BytesIO(picture.thumbnail(stream.getvalue())))
    assert small.size == picture.THUMBNAIL
    assert abs(small.size[0] / small.size[1] - 1500 / 460) < 0.01
    assert len(picture.thumbnail(stream.getvalue())) < 50_000


def test_every_verdict_has_a_button(tmp_path):
    write_report(tmp_path, "sub-a", GOOD)
    write_contact_sheet(tmp_path, {"sub-b": "broken"})
    page = (tmp_path / "qc.html").read_text()
    for verdict in ("failed", *quality.LEVELS):
        assert f"body:has(#{verdict}:checked)" in page
    assert re.findall(r'id="(\w+)"', page) == ["all", "failed", "good"]
