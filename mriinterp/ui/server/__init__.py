"""The server before any session: imports ahead, what it may run, the first page, whom it answers."""
