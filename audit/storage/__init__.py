"""The log in its database: what is written together, shown to witnesses, and checked again."""
