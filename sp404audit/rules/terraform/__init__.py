"""Rules of the domain `terraform`."""
