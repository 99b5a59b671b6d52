"""What is drawn by lot, each run otherwise: by a seed that is printed, so that it can be had again."""

import os
import random


def drawn_seed(n=0):
    """EVERLEAF_TEST_SEED gives it (and the n-th after it); a test that asks for one is marked random."""
    value = int(os.environ.get("EVERLEAF_TEST_SEED", random.randrange(1 << 32))) + n
    print(f"seed {value}")
    return value
