"""Rules of the domain `backup`."""
