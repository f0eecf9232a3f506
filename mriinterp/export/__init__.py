"""Export: animations, reports, LaTeX, files of the original study."""
