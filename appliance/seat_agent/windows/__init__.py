"""Which application's window is active on the candidate's desktop, where the desktop tells: X11, sway."""
