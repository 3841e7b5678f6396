"""The reports: one module for each."""
