"""Model families that the benchmark lets speak: one file here and one YAML in `conf/systems` each."""
