"""Clinical values, pure and small: units of measurement and stage notation."""
