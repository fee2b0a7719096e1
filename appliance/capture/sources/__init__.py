"""Where pictures come from, all through one interface."""
