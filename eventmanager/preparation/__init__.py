"""Preparation: from a request's bytes to blocks and refusals, here or in a process beside."""
