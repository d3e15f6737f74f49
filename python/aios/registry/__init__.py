"""Immutable versions of models, their aliases and lineage, and what of a home is kept."""
