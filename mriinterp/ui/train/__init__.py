"""The page that trains networks of a study's own scans."""
