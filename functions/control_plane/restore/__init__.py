"""From archive and anchors back to a database: chains are replayed, executions stay archived."""
