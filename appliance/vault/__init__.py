"""Sealed recordings: format, keys, writing, reading, verifying, retention. `docs/vault-format.md` is normative."""
