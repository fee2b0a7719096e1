"""Tests of `appliance.diagnosis`."""
