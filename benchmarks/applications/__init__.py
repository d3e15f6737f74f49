"""Keras applications at their default sizes, exported and served by every engine."""
