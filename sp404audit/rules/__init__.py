"""The rules: one package a domain, one module a theme, one function a rule."""
