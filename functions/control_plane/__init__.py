"""A governed control plane: people and agents ask, one deterministic engine decides."""
