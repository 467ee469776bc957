"""Metrics and studies."""
