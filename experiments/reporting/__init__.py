"""Reports: tables, figures and the numbers of the paper."""
