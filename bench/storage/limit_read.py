"""How fast all cores read files and do nothing with them: limit_read.py FILE... Prints {"seconds": ...}."""

import json
import os
import sys
import threading
import time

PIECE = 4 << 20
pieces = [(path, offset) for path in sys.argv[1:] for offset in range(0, os.path.getsize(path), PIECE)]
files = {path: os.open(path, os.O_RDONLY) for path in sys.argv[1:]}


def work(lane, lanes):
    memory = bytearray(PIECE)
    for path, offset in pieces[lane::lanes]:
        os.preadv(files[path], [memory], offset)


lanes = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))
begun = time.perf_counter()
threads = [threading.Thread(target=work, args=(lane, lanes)) for lane in range(lanes)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"seconds": time.perf_counter() - begun}))
