"""Runs a command and says what it took: measure.py TIMEOUT COMMAND... Its output goes where that of this process goes; the last line on stderr
is {"seconds": ..., "cpu_seconds": ..., "peak_bytes": ..., "code": ...}.

A process of its own, and a small one: a child's highest resident set begins with its parent's.
"""

import json
import os
import subprocess
import sys
import time

begun = time.perf_counter()
process = subprocess.Popen(["timeout", *sys.argv[1:]])
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - begun
process.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps({"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_bytes": usage.ru_maxrss * 1024, "code": process.returncode}),
      file=sys.stderr)
