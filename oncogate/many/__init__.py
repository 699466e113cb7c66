"""Many requests: one after the other or on several processes, with the same answers in the same order."""
