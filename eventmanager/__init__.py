"""Event analytics over gRPC: typed events in, exact figures out."""

__version__ = "0.1.0"
