"""Rules about what the repository accepted: comments and waivers."""
