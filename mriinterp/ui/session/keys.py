"""Everything a session remembers: one key each, with its type and what it holds.

A key is the text that a widget takes as its ``key`` and, where the value is in
the address, the name there. Only this module reads and writes Streamlit's
``session_state``.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, overload

import streamlit as st

T = TypeVar("T")
D = TypeVar("D")


class Key(str, Generic[T]):
    """A name in the memory of the session that is running, and the type of what it holds."""

    __slots__ = ()

    @property
    def kept(self) -> bool:
        """Whether the session holds a value."""
        return self in st.session_state

    @property
    def value(self) -> T:
        """The value; KeyError if there is none."""
        return st.session_state[self]

    @overload
    def get(self) -> T | None: ...
    @overload
    def get(self, default: D) -> T | D: ...
    def get(self, default: Any = None) -> Any:
        """Return the value, or the default if there is none."""
        return st.session_state.get(self, default)

    def put(self, value: T) -> None:
        """Keep a value."""
        st.session_state[self] = value

    def begin(self, value: T) -> T:
        """Return the value; if there is none, keep this one."""
        return st.session_state.setdefault(self, value)

    def take(self) -> T | None:
        """Return the value and forget it."""
        return st.session_state.pop(self, None)


# Choices of widgets that other modules read or set; they are in the address as well.
STUDY: Key[str] = Key("study")  # name, or path of a study file
NETWORK: Key[str] = Key("network")  # "": the study's own; a fold's name; or the path of a file
OWN: Key[str] = Key("own")  # name of the uploaded scan that is shown; "": a subject of the study
TARGET: Key[str] = Key("target")  # explained output
OWN_TARGET: Key[str] = Key("own_target")  # explained output where no prediction may be shown
SIGN: Key[str] = Key("sign")  # of relevance: both, supports, against
SPACE: Key[str] = Key("space")  # own scan, or MNI
SMOOTHING: Key[int] = Key("smoothing")  # full width at half maximum, mm
TOUR: Key[int] = Key("tour")  # number of the stop; 0: no tour
PRESENT: Key[bool] = Key("present")  # whether the page is presented
PRESENT_BY: Key[str] = Key("present_by")  # what its keys step through
BY: Key[str] = Key("by")  # Compare: what the columns differ in
METHODS: Key[list[str]] = Key("methods")  # Compare: one column each
SHOW: Key[str] = Key("show")  # Compare: all columns, or a pair
A: Key[int] = Key("a")  # Compare: first column of the pair, from 1
B: Key[int] = Key("b")  # Compare: second column of the pair
AVERAGES: Key[str] = Key("averages")  # Cohort: the opened file of averages; "": those of the study
PAIR: Key[str] = Key("pair")  # Cohort: two averages beside each other, as text
NUMBER_AREA: Key[str] = Key("number_area")  # Cohort: area whose people are shown
TRAINING: Key[str] = Key("training")  # Train: folder

# Choices that no address holds.
OWN_NAME: Key[str] = Key("own_name")  # what the uploaded scan is called
NPZ_FILE: Key[Any] = Key("npz_file")  # Cohort: uploaded averages, a file of Streamlit's
COLUMNS: Key[list[str]] = Key("c_list")  # Compare: freely chosen columns, as text

# What a session knows beside its widgets.
ADDRESS: Key[Any] = Key("_address")  # `address.SessionAddress`: what the page's link says
VIEWERS: Key[dict[str, Any]] = Key("_viewers")  # `viewlink._Memory` by viewer
CONVENTION: Key[tuple[int | None, str]] = Key("_convention")  # of all viewers, and the entry in which it was chosen
JUMPS: Key[dict[str, tuple[float, float, float]]] = Key("_jumps")  # mm, by viewer: where each is asked to move
SHELL: Key[bool] = Key("_shell")  # app.py has run
UPLOAD: Key[Any] = Key("_upload")  # `scans.Upload`: the session's own scan
KNOWN: Key[tuple[tuple[str, int, str], Any]] = Key(
    "_known_predictions"
)  # as the list of subjects shows them, and since when
USUAL_TARGET: Key[str] = Key("usual_target")  # output explained where the reader chose none
OWN_MAPS: Key[Any] = Key("_own_maps")  # `MemoryMaps` of an uploaded scan
FIRST_MAP: Key[str] = Key("first_map")  # key of the first map: a link may start it unasked
STARTED: Key[bool] = Key("started")  # that map has had its chance
ASKED: Key[bool] = Key("_explain_now")  # the page's own button was pressed
MAP_BEFORE: Key[tuple[str, str, str]] = Key("_map_before")  # scan, network and key of the map shown last
COLUMNS_BEFORE: Key[list[Any]] = Key("_columns_before")  # Compare: `Column`s shown last
COLUMNS_FIRST: Key[list[str]] = Key("c_seed")  # Compare: columns that a free choice begins with
COMPARE_FAILED: Key[dict[str, str]] = Key("compare_failed")  # Compare: why, by key of the map
COMPARE_STARTED: Key[bool] = Key("compare_started")  # Compare: its first maps have had their chance
BROUGHT: Key[int] = Key("_brought_method")  # Compare: entry in which another page's method was added
COHORT_OPEN: Key[tuple[str, str]] = Key("cohort_open")  # subject and method whose own map is asked for
PLANES_WAIT: Key[bool] = Key("_planes_wait")  # Cohort: the planes of this run wait for averages
NETWORK_FILES: Key[list[str]] = Key("_network_paths")  # files that were opened
NETWORK_CHECKS: Key[dict[str, Any]] = Key("_checks")  # `NetworkCheck` of uploaded scans
TRAIN_GO: Key[bool] = Key("_train_go")  # a trained network is to be opened

# Why an action failed: shown once.
STUDY_PROBLEM: Key[str] = Key("study_problem")
NETWORK_PROBLEM: Key[str] = Key("network_problem")
TRAIN_PROBLEM: Key[str] = Key("_train_problem")
CONSENT_PROBLEM: Key[str] = Key("withdraw_problem")


def job_key(slot: str) -> Key[Any]:
    """Return the key of the `Job` of a page's slot."""
    return Key(f"_job_{slot}")


def parameter_key(method: str, parameter: str) -> Key[Any]:
    """Return the key of a method's parameter, which is its name in the address."""
    return Key(f"{method}.{parameter}")


def placed_key(viewer: str) -> Key[dict[str, Any]]:
    """Return the key of where a viewer's crosshair was last placed, and by what."""
    return Key(f"{viewer}-placed")
