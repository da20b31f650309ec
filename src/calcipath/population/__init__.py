"""Many records at once: the same guideline on DuckDB or Spark."""
