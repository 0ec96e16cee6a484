"""Speed beside the peers, as ratios of CPU time measured in one run. Run by hand: `make bench`; never a test."""
