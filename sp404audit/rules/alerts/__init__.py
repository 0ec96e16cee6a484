"""Rules of the domain `alerts`."""
