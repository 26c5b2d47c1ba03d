"""Records, names, shipped tables, sources and the user's store. Imports no other room."""
