"""What building segments costs: of everybody, and after a little has changed."""
