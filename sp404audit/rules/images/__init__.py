"""Rules of the domain `images`."""
