"""What a request costs the server, against a loop of recv and send alone."""
