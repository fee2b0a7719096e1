"""PROCESS seat agent: watches USB and the active window of a candidate's workstation and reports to the box."""
