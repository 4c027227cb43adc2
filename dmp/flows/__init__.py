"""What joins several packages into a whole job."""
