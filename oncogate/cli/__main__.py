"""`python -m oncogate.cli`."""

from oncogate.cli import main

main()
