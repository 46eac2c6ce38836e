"""Coverage-guided fuzzing of every parser that hostile text reaches; the targets are in tests/security/targets.py."""
