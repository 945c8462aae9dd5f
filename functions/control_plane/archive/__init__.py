"""Whole old days of executions: to S3 as JSONL, verified, then removed; and read back."""
