"""ONVIF: which cameras are on the network (WS-Discovery), and which streams one offers. Run in child processes only."""
