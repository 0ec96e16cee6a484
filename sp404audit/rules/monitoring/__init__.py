"""Rules of the domain `monitoring`."""
