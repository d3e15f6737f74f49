"""Metrics, traces and logs of what runs."""
