"""The marketplace's tables, one noun per file, in the SQLite file of its log.

SQLAlchemy Core, not the ORM: rows become frozen values and states move by one guarded UPDATE, both in plain sight.
Every function works in the caller's transaction and commits nothing.
"""
