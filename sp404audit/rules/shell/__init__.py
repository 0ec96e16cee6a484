"""Rules of the domain `shell`."""
