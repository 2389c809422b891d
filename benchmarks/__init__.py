"""Times every op of pyquant beside its peers: `python -m benchmarks`. See README.md."""
