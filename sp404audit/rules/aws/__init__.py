"""Rules of the domain `aws`."""
