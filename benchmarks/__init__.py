"""Measurements, as ratios of which both sides are taken in one run (README.md)."""
