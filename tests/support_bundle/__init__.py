"""Tests of `appliance.support`."""
