"""The parts of the stand-ins for Google's gRPC services."""
