"""``python -m tare`` is ``tare``."""

from tare.cli.start import main

if __name__ == "__main__":
    main()
