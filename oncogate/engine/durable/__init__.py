"""The second engine: the same rules, combined by durable-rules in a process of its own."""
