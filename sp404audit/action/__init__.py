"""What the GitHub Action runs: one module a step, and what the steps share.

`action.yml` hands every input on through the environment (`INPUT_FAIL_ON` …), and what becomes of it is decided here:
no shell ever sees one. `install` makes the environment that the other steps run in, with nothing but Python itself.
"""
