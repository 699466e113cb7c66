"""Judging: a request and a rule → a finding; all findings → a decision."""
