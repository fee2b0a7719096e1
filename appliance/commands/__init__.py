"""The subcommands of `exambox`, one file a noun; `appliance.cli` loads each when it is asked for."""
