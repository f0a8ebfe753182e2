"""Numbers and pictures of a run."""
