"""What a file really is that people attach: recognised by its content, never by its name. No I/O."""
