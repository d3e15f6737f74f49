"""Bundles on disk: the manifest, and publishing a directory atomically. Imports nothing heavy."""
