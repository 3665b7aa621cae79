"""Reports: HTML pages, tables and plots of runs."""
