"""What was recorded: list, playback, export, verification."""
