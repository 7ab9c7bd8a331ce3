"""placeholder"""
from typing import Any
def array_of_backend(data: Any) -> Any: return None
