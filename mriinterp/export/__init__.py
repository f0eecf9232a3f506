"""What leaves the program: animations, reports, LaTeX, the original's files."""
