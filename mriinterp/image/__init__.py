"""Images: volumes with their affines, grids, files, resampling, the template and the check of MNI space."""
