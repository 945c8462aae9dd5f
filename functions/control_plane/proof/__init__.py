"""Checks the audit trail: lines, chains, objects and anchors; knows no network and no database."""
