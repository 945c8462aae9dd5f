"""The one-command stack: every real part of the product on one machine."""
