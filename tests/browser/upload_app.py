"""A page that holds the file of a session, and forgets sessions soon."""

import streamlit as st

from mriinterp.ui.session import life

life.GRACE_SECONDS, life.LOOK_SECONDS = 0.1, 1.0
session = life.current_session()
session.holds_scan = st.file_uploader("A file") is not None
st.text("It is here." if session.holds_scan else "Nothing is here.")
