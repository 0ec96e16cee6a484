"""Rules of the domain `deps`."""
