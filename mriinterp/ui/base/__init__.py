"""What every page is built of: the address, a session's memory, jobs, choices, tables, words."""
