"""The command line and the demo: the only package that knows every other."""
