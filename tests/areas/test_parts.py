"""Relevance per area by sign."""

import numpy as np
import pandas as pd
import pytest

from mriinterp.areas.atlas import Atlas
from mriinterp.areas.part_table import part_table
from mriinterp.image.volume import Volume


@pytest.fixture
def atlas():
    labels = np.zeros((4, 4, 4), np.int16)
    labels[0], labels[1], labels[2] = 1, 2, 3
    areas = pd.DataFrame({"label": [1, 2, 3], "name": ["A_L", "A_R", "B"], "hemisphere": ["L", "R", ""]})
    return Atlas("A", Volume(labels, np.eye(4)), areas)


@pytest.fixture
def volume():
    data = np.zeros((4, 4, 4), np.float32)
    data[0, 0, 0], data[0, 1, 1], data[1, 2, 2], data[2, 3, 3], data[3, 0, 0] = 3, -1, -2, 4, -50
    return Volume(data, np.eye(4))


def test_both_signs_of_an_area_add_up_and_do_not_cancel(volume, atlas):
    table = part_table(volume, atlas).set_index("area")
    assert table["share"].to_dict() == pytest.approx({"A": 0.6, "B": 0.4})
    assert table["supports"].to_dict() == pytest.approx({"A": 0.3, "B": 0.4})
    assert table["against"].to_dict() == pytest.approx({"A": 0.3, "B": 0.0})
    assert table.loc["A", ["supports_x", "supports_y", "supports_z"]].tolist() == [0, 0, 0]
    assert table.loc["A", ["against_x", "against_y", "against_z"]].tolist() == [1, 2, 2]
    assert np.isnan(table.loc["B", "against_x"])
    apart = part_table(volume, atlas, merge_hemispheres=False).set_index("area")
    assert apart["against"].to_dict() == pytest.approx({"A_L": 0.1, "A_R": 0.2, "B": 0.0})


def test_one_sign_has_shares_of_its_own(volume, atlas):
    supports, against = (part_table(volume, atlas, part).set_index("area") for part in ("supports", "against"))
    assert supports["share"].to_dict() == pytest.approx({"A": 3 / 7, "B": 4 / 7})
    assert against["share"].to_dict() == pytest.approx({"A": 1.0, "B": 0.0})
    assert against.loc["A", ["peak_x", "peak_y", "peak_z"]].tolist() == [1, 2, 2]
    with pytest.raises(ValueError, match="got 'up'; available: both, supports, against"):
        part_table(volume, atlas, "up")


def test_a_map_without_one_sign(volume, atlas):
    table = part_table(volume.with_data(np.abs(volume.data)), atlas)
    assert (table["against"] == 0).all()
    assert table["supports"].sum() == pytest.approx(1)
    assert part_table(volume.with_data(np.abs(volume.data)), atlas, "against")["share"].isna().all()
    assert part_table(volume.with_data(0 * volume.data), atlas)["supports"].isna().all()
