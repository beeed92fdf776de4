"""`python -m exporter` is `mailtrip`."""

from exporter.cli import main

if __name__ == "__main__":
    main()
