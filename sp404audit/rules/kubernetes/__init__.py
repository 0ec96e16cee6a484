"""Rules of the domain `kubernetes`."""
