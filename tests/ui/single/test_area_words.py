"""What the areas of a subject are said to be, in words."""

import pandas as pd

from mriinterp.ui.single.areas import unusual_words


def test_unusual_areas_keep_the_hyphens_of_their_names():
    table = pd.DataFrame({"z": [-3.21, 0.2], "q": [0.01, 0.9]}, index=["Left-Hippocampus", "Right-Amygdala"])
    words = unusual_words({"AD": table}, "sub-52", "AD")
    assert words.startswith("Unusual for AD: Left-Hippocampus (z −3.2).")
