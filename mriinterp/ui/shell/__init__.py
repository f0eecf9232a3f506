"""What surrounds every page: header, sidebar, footer, the tour, presentation."""
