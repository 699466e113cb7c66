"""CDS Hooks: reading the requests that an EHR sends when orders are selected or signed."""
