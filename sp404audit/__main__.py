"""`python -m sp404audit` is the same command as `sp404audit`."""

from sp404audit.cli import main

if __name__ == "__main__":
    main()
