"""The server's store: SQLAlchemy Core on SQLite, the same code on PostgreSQL."""
