"""Models over the network: TensorFlow Serving's and Triton's clients, answered by the C++ core."""
