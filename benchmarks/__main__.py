"""`python -m benchmarks`. The guard keeps the processes of the forced paths from starting over."""

if __name__ == "__main__":
    from benchmarks.command import main

    main()
