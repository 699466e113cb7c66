"""What rule authors run: a rule's own examples, and the linter."""
