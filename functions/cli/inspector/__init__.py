"""The inspector page of `pipehook dev`: server-rendered, on loopback only, never part of a deployed function."""
