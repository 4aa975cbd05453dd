"""Numbers in the names of tensors: ASCII digits, and not so many of them that Python refuses to read them."""

from __future__ import annotations

import re
from typing import Optional

_NUMERAL = re.compile("[0-9]{1,18}")


def numeral(text: str) -> Optional[int]:
    """Return the number that ``text`` writes; ``None`` where it writes none, or one that no output has.

    >>> numeral("12"), numeral("²"), numeral("9" * 5000)
    (12, None, None)
    """
    return int(text) if _NUMERAL.fullmatch(text) else None
