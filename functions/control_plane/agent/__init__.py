"""Message → proposed steps. No database, no authority: only the control plane's API decides."""
