"""What a user would pick instead: each engine with the ten rules in its own language, on its own form of the record.

A module has `load(replicas)`, which gives a function from a plain record to the names of the rules that fired. What of a record an
engine can't select by itself is selected for it in Python (`flat.py`) and is part of its time.
"""
