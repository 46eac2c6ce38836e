"""Pipehook: Tekton Triggers' EventListener as a cloud function."""
