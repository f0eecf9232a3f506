"""Arrays and tables to figures: Plotly for the page, PNG and PDF for papers.

Nothing is imported here, so that a page pays only for the figures it draws.
"""
