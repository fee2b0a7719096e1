"""Tests of the sittings' pages."""
