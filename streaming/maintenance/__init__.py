"""Maintenance: partials folded, files compacted and cleaned up, what is too old let go."""
