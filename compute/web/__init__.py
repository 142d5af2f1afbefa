"""What marketplace and nodes share to serve and to call each other over HTTPS."""
