"""The DORA-style metrics report: sources → events → metrics → verdicts against the policy's targets.

Every source (git, GitHub, event files, Prometheus) tells the same events (`events`); they are fused, counted by rules
that are written down (`settings`), measured, and come out as figures with their evidence (`figures`).
"""
