"""Streams: from a model of whole sequences to one that answers frame by frame, and its proof."""

from aios.exporting.streams.bundle import with_stream

__all__ = ["with_stream"]
