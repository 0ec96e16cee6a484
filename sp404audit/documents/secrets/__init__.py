"""What holds secrets: environment files, keys, encrypted files."""
