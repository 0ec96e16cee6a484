"""One module a file kind: text in, a typed model out in which everything knows its place. No rule, no opinion."""
