"""Support: data sets, devices, files, command line."""
