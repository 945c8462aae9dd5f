"""Rows to models and back, through named SQL files. Decides nothing."""

from control_plane.store.connection import Row, Store
from control_plane.store.rows import Batch, KnownKey, Loaded

SCHEMA_VERSION = "0015"
"""The newest migration: what the database must have for this code to be ready."""

__all__ = ["SCHEMA_VERSION", "Batch", "KnownKey", "Loaded", "Row", "Store"]
