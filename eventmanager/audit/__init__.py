"""The audit: days are counted again from the log, each event once. docs/exactness.md says what that promises."""
