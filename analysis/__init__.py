"""Correlation, joining, recommendation. Pure functions, frames in and tidy frames out; no torch."""
