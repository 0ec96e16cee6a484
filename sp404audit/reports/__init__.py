"""One module a format, each a function from the finished audit to text."""
