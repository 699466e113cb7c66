"""A judgement in words, zh and en, and the way forward."""
