"""Where what a page shows comes from: studies and their code, networks, scans in memory, measured figures."""
