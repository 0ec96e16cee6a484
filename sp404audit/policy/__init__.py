"""The policy in force: what is asked, how grave it is, what was accepted, and what was known before."""
