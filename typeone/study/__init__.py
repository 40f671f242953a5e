"""A study of what people see: the sheet that asks them, and what their answers say (IV-B)."""
