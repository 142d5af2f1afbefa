"""The node of a party that only watches: it cosigns the log's checkpoints, and takes part in no contract."""
