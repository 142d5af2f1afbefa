"""The demo: the main job on real loans, every party with its own keys and data."""
