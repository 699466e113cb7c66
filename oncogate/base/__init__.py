"""Ground floor: three-valued logic, bilingual texts, times and diagnostics."""
