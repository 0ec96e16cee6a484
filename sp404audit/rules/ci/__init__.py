"""Rules of the domain `ci`."""
