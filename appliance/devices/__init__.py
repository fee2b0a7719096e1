"""PROCESS devices: watches USB, decides by policy, enforces through the kernel, and tells the room."""
