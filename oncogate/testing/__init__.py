"""For rule authors and integrators who test with pytest: named checks that hold of every rule."""

from oncogate.testing.checks import CHECKS, ChecksFailed, check_pack

__all__ = ["CHECKS", "ChecksFailed", "check_pack"]
