"""GitHub workflows and actions: the typed model, expressions, and the facts that outlive the files."""
