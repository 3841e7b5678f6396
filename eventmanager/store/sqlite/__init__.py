"""The embedded store, on one SQLite file. Nothing outside this package knows SQL."""
