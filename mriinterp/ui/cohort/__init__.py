"""The page of groups of scans."""
