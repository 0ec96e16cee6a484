"""Rules of the domain `actions`."""
