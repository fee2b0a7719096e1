"""How the box's processes meet besides the database: two Unix sockets, live pictures and keyring."""
