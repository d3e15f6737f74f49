"""Models over the network: TensorFlow Serving's and Triton's clients, answered by the C++ core."""

from aios.server.server import Server

__all__ = ["Server"]
