"""Subjects: tables of ADNI (LONI, ADNIMERGE), of the original study, BIDS and plain ones, as one frame."""

from mriinterp.subjects.fields import parse_age, parse_dates, parse_month, parse_sexes
from mriinterp.subjects.images import find_images, resolve_path, walk_images
from mriinterp.subjects.layouts import LAYOUTS, Layout, detect_layout
from mriinterp.subjects.read import COLUMNS, read_subjects
from mriinterp.subjects.split import check_split, patient_groups, split_patients, summary_table
from mriinterp.subjects.table_file import ALIASES, FIELDS, match_columns, read_table
from mriinterp.subjects.table_report import Finding, Report

__all__ = [
    "ALIASES",
    "COLUMNS",
    "FIELDS",
    "LAYOUTS",
    "Finding",
    "Layout",
    "Report",
    "check_split",
    "detect_layout",
    "find_images",
    "match_columns",
    "parse_age",
    "parse_dates",
    "parse_month",
    "parse_sexes",
    "patient_groups",
    "read_subjects",
    "read_table",
    "resolve_path",
    "split_patients",
    "summary_table",
    "walk_images",
]
