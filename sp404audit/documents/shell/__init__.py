"""Shell, wherever it stands: commands with exact places."""
