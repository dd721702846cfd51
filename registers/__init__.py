"""The register on SQLAlchemy: one code over SQLite and PostgreSQL. Its protocol stands in `qujat.register`."""
