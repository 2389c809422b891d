"""Times every op of pyquant and its peers: `python -m benchmarks`. See README.md."""
