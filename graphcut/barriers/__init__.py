"""Why a variable has no gradient: the barriers on the routes from the loss that cross the fewest."""

from __future__ import annotations
