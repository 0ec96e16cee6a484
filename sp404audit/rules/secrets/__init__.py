"""Rules of the domain `secrets`."""
