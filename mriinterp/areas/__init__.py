"""Brain areas: atlases, their names and files, and the table of relevance per area."""

from mriinterp.areas.atlas import Atlas, load_atlas, read_area_table
from mriinterp.areas.table import area_table, merge_table, outside_shares, top_areas

__all__ = ["Atlas", "area_table", "load_atlas", "merge_table", "outside_shares", "read_area_table", "top_areas"]
