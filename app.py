"""mriinterp: page settings, navigation and the sidebar that all pages share."""


def main() -> None:
    """Run the app once, for one session."""
    import streamlit as st

    from mriinterp.ui.shell import ICON, sidebar

    st.set_page_config(
        page_title="mriinterp",
        page_icon=ICON,
        layout="wide",
        menu_items={"About": "mriinterp: relevance maps for networks that read brain MRI. Research use only."},
    )
    pages = [
        st.Page("pages/single_scan.py", title="Single scan", icon=":material/person_search:", default=True),
        st.Page("pages/compare.py", title="Compare", icon=":material/view_column:"),
        st.Page("pages/cohort.py", title="Cohort", icon=":material/groups:"),
        st.Page("pages/trust.py", title="Trust", icon=":material/verified:"),
    ]
    page = st.navigation(pages, position="top")
    sidebar()
    page.run()


if __name__ == "__main__":  # the processes of a cohort run import this file under another name, and open no page
    main()
