"""Benchmarks: ``python -m tests.bench`` or ``make bench``. Never part of the tests."""
