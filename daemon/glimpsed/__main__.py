"""`python -m glimpsed` is the daemon."""

from glimpsed.cli import glimpsed

if __name__ == "__main__":
    glimpsed()
