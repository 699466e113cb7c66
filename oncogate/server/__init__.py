"""The gate as a service: CDS Hooks, the REST pre-audit call, a screen. Needs the extra `server`."""
