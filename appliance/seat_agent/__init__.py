"""PROCESS on a candidate's workstation: watches USB and the active window, reports to the box of the room."""
