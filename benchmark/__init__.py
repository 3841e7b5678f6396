"""Measures the service against what limits it: `scripts/bench`."""
