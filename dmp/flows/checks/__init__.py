"""What `dmp doctor` looks at, one module an area; each check only reads."""
