"""The store: its port and what implements it."""
