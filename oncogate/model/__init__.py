"""What comes in (request, record), what goes out (decision), and what a rule file says."""
