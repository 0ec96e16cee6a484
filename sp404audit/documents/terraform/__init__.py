"""Terraform: modules, resources, references, and storage joined from all its parts."""
