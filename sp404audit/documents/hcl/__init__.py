"""HCL: blocks, expressions, and an evaluator that knows what it does not know."""
