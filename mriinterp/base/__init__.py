"""What every layer uses: progress and cancel, whole-file writes, error words, how a signed map is read."""
