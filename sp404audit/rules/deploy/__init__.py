"""Rules of the domain `deploy`."""
