"""Tests of the process that watches USB."""
