"""The queue, its worker, its dead letters and the sweep, over real sockets."""
