"""Reports as tables and bars for people."""
