"""`python -m eventmanager` is `eventmanager`."""

from eventmanager.cli import main

if __name__ == "__main__":
    main()
