"""`eventmanager demo`: a server, a day of traffic, and the reports about it."""


def demo() -> None:
    pass
