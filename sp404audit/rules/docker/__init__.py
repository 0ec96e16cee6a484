"""Rules of the domain `docker`."""
