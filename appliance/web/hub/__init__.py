"""The central service's HTTP side: the protocol its boxes speak, and its pages."""
