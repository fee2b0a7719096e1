"""PROCESS: delivers to LMSs and the central service, and fetches from it."""
