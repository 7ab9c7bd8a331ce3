# The engine's module: plain arguments in a fixed order, known to the package alone.
from typing import Any

def __getattr__(name: str) -> Any: ...
