"""What a provider lets out of its domain: thresholds, suppression, differencing, noise; rules without I/O."""
