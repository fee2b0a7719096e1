"""Who is at the screen: first run, sign-in, sessions."""
