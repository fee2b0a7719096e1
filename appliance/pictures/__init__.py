"""Still pictures from recorded or live material: made in this process, or for others in a child that may die."""
