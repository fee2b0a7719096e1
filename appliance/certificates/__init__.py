"""The box's certificates: its own small authority, the server certificate, and one of the centre's where it has one."""
