"""How a register comes from one shape to the next, with the documents in it (Alembic)."""
