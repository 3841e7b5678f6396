"""Why a benchmark has no result."""


class BenchmarkError(Exception):
    """The benchmark could not be run, or what it measured was wrong; the sentence says which."""


class WrongFiguresError(BenchmarkError):
    """What was sent is not what was answered, or not what the reports say."""
