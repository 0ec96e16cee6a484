"""Kubernetes manifests, kustomizations, and what runs containers."""
