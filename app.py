"""mriinterp: page settings, navigation and the sidebar that all pages share.

Streamlit runs this file for every session. The server and the processes of a
cohort run import it under other names, and open no page.
"""

import streamlit as st


def main() -> None:
    """Run the app once, for one session."""
    from mriinterp.ui.server.ahead import import_rest, wait_for_imports
    from mriinterp.ui.session.runs import page_run

    with page_run():
        wait_for_imports()
        import_rest()
        show()


def show() -> None:
    """Show the page that is asked for."""
    from mriinterp.ui.shell.page import ICON, run_page

    # Before the navigation: without an icon of the app, the browser asks Google for that of the page.
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
        st.Page("pages/train.py", title="Train", icon=":material/model_training:"),
        st.Page("pages/network.py", title="Network", icon=":material/account_tree:"),
    ]
    page = st.navigation(pages, position="top")
    st.set_page_config(page_title=f"{page.title} · mriinterp")
    run_page(page)


if __name__ == "__main__":
    main()
elif __name__ != "__mp_main__":
    from starlette.middleware import Middleware

    from mriinterp.base.allocator import keep_pages
    from mriinterp.ui.server.ahead import import_ahead
    from mriinterp.ui.server.bundle import BundledFiles
    from mriinterp.ui.server.front import StyledFront
    from mriinterp.ui.server.hosts import KnownHosts
    from mriinterp.ui.sources.allowance import check_arguments

    check_arguments(__file__)
    keep_pages()
    import_ahead()
    app = st.App(__file__, middleware=[Middleware(KnownHosts), Middleware(BundledFiles), Middleware(StyledFront)])
