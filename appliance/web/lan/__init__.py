"""The box on its network: what it announces there, which others it hears, how devices come to trust it."""
