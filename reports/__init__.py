"""Charts and pages that work offline."""
