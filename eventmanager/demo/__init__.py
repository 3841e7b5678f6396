"""A day of a shop's traffic, to see the service at work."""
