"""YAML and CSV → rules, tables and facts, every value with its file, line and column; and their checks."""
