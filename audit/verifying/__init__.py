"""The log from outside: read, verified, watched, and put into evidence."""
