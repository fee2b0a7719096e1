"""The LMSs that may speak to the box: their rows, secrets and addresses."""
