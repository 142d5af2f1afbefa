"""What surrounds a role at its party: the front door, the events it records, its stored answers, transports."""
