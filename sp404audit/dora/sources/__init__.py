"""Where events come from: one module or package a source, each ending in a `Collected`."""
