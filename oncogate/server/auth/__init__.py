"""Who calls: signed tokens of CDS clients, bearer tokens of REST callers."""
