"""Which scan a page is about: a subject of the study, or a reader's own file, prepared or not."""
