"""PROCESS cameras to vault, live view and status. A process per camera under one supervising parent."""
