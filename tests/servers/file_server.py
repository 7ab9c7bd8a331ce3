"""Servers on loopback for tests: files by ranges of bytes, a store that speaks S3, and both with faults.

`FileServer(folder)` serves a folder. What goes wrong is asked of `fault(request)` before each answer: it returns a dict of the keys in FAULTS, or None.
`S3Server(folder, ...)` serves each folder in it as a bucket and checks signatures (AWS Signature Version 4) by the rules of Amazon's reference.
"""

import email.utils
import hashlib
import hmac
import http.server
import os
import pathlib
import re
import socket
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

FAULTS = {
    "status",  # answered instead
    "headers",  # added to the answer
    "delay",  # seconds before the answer
    "hang",  # no answer at all, until the server stops
    "close",  # the connection is closed without an answer
    "drop",  # so many bytes of the body, then the connection ends
    "short",  # the answer says and has so many bytes, fewer than asked for
    "ignore_range",  # the whole, whatever was asked
    "shift",  # another range than was asked for, so many bytes on
    "extra",  # so many bytes more than asked for
    "body",  # sent instead of the file's bytes
}


class Request:
    """One request as it came: `number` counts those of the server, `number_of_path` those of this path."""

    def __init__(self, number, number_of_path, method, path, range_, headers):
        self.number, self.number_of_path, self.method, self.path, self.range, self.headers = number, number_of_path, method, path, range_, headers
        self.status = None

    def __repr__(self):
        return f"<{self.method} {self.path} {self.range} {self.status}>"


class FileServer:
    def __init__(self, folder, *, etag=True, modified=True, fault=None):
        self.folder = pathlib.Path(folder)
        self.etag, self.modified, self.fault = etag, modified, fault
        self.requests, self.most_active, self._active = [], 0, 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 1 << 16

            def log_message(self, *_):
                pass

            def do_GET(self):
                server.answer(self)

            do_HEAD = do_GET

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):  # clients that leave
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def of(self, path):
        """The requests for this path."""
        return [r for r in self.requests if r.path == path]

    def reset(self):
        with self.lock:
            self.requests, self.most_active = [], 0

    def answer(self, handler):
        path = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path)
        with self.lock:
            request = Request(len(self.requests), sum(r.path == path for r in self.requests), handler.command, path, handler.headers.get("Range"),
                              dict(handler.headers))
            self.requests.append(request)
            self._active += 1
            self.most_active = max(self.most_active, self._active)
        try:
            fault = (self.fault(request) if self.fault else None) or {}
            assert set(fault) <= FAULTS, fault
            if fault.get("delay"):
                self.stopping.wait(fault["delay"])
            if fault.get("hang"):
                self.stopping.wait(60)
                handler.close_connection = True
                return
            if fault.get("close"):
                handler.close_connection = True
                handler.connection.shutdown(socket.SHUT_RDWR)
                return
            if "status" in fault:
                self.send(handler, request, fault["status"], {"Content-Type": "text/plain", **fault.get("headers", {})}, fault.get("body", b"not now\n"))
                return
            self.serve(handler, request, fault)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
        finally:
            with self.lock:
                self._active -= 1

    def send(self, handler, request, status, headers, body, drop=None):
        request.status = status
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if request.method == "HEAD":
            return
        if drop is not None:
            handler.wfile.write(body[:drop])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.wfile.write(body)
        handler.wfile.flush()

    def file_of(self, request):
        path = (self.folder / request.path.lstrip("/")).resolve()
        return path if path.is_relative_to(self.folder.resolve()) and path.is_file() else None

    def serve(self, handler, request, fault):
        file = self.file_of(request)
        if file is None:
            return self.send(handler, request, 404, {"Content-Type": "text/plain"}, b"no such file\n")
        with open(file, "rb") as f:
            status = os.fstat(f.fileno())
            self.serve_bytes(handler, request, fault, f, status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"', status.st_mtime)

    def serve_bytes(self, handler, request, fault, file, size, tag, time_):
        headers = {"Accept-Ranges": "bytes", **fault.get("headers", {})}
        date = email.utils.formatdate(time_, usegmt=True)
        if self.etag:
            headers["ETag"] = tag
        if self.modified:
            headers["Last-Modified"] = date
        wanted = handler.headers.get("If-Match")
        since = handler.headers.get("If-Unmodified-Since")
        if (self.etag and wanted and wanted != tag) or (self.modified and not wanted and since and since != date):
            return self.send(handler, request, 412, {}, b"")
        first, last, code = 0, size - 1, 200
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.range or "")
        if found and not fault.get("ignore_range"):
            if not found[1]:
                first = max(0, size - int(found[2]))
            else:
                first, last = int(found[1]), min(size - 1, int(found[2]) if found[2] else size - 1)
            if first >= size:
                return self.send(handler, request, 416, {"Content-Range": f"bytes */{size}"}, b"")
            code = 206
            if fault.get("shift"):
                first, last = first + fault["shift"], min(size - 1, last + fault["shift"])
        if "short" in fault:
            last = min(last, first + fault["short"] - 1)
        file.seek(first)
        body = fault["body"] if "body" in fault else file.read(last - first + 1)
        if code == 206:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        body += b"x" * fault.get("extra", 0)
        if fault.get("extra"):
            headers["Content-Length"] = str(len(body))
        self.send(handler, request, code, headers, body, fault.get("drop"))


class S3Server(FileServer):
    """Folders of `folder` are buckets. `keys`: {access key: (secret, session token or None)}; None: everybody may read."""

    def __init__(self, folder, *, keys=None, region="us-east-1", page=1000, **options):
        super().__init__(folder, **options)
        self.keys, self.region, self.page = keys, region, page

    def refuse(self, handler, request, status, code, message="", headers=None):
        # Amazon repeats here what was signed, the key among it.
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{escape(message)}</Message><AWSAccessKeyId>" \
               f"{escape(handler.headers.get('Authorization', ''))}</AWSAccessKeyId></Error>".encode()
        self.send(handler, request, status, {"Content-Type": "application/xml", **(headers or {})}, body)

    def serve(self, handler, request, fault):
        if self.keys is not None and (problem := self.signature_problem(handler)):
            return self.refuse(handler, request, *problem)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query, keep_blank_values=True)
        if "list-type" in query:
            return self.list(handler, request, {k: v[0] for k, v in query.items()})
        file = self.file_of(request)
        if file is None:
            return self.refuse(handler, request, 404, "NoSuchKey", "The specified key does not exist.")
        with open(file, "rb") as f:
            status = os.fstat(f.fileno())
            self.serve_bytes(handler, request, fault, f, status.st_size, f'"{hashlib.md5(file.read_bytes()).hexdigest()}"', status.st_mtime)

    def list(self, handler, request, query):
        bucket = self.folder / request.path.strip("/")
        if not bucket.is_dir():
            return self.refuse(handler, request, 404, "NoSuchBucket")
        prefix, names = query.get("prefix", ""), set()
        for file in sorted(bucket.rglob("*")):
            key = str(file.relative_to(bucket))
            if file.is_file() and key.startswith(prefix):
                rest = key[len(prefix):]
                names.add(prefix + rest.split("/")[0] + ("/" if "/" in rest else ""))
        names = sorted(names)
        start = int(query.get("continuation-token", "0").removeprefix("part/="))
        part, more = names[start:start + self.page], start + self.page < len(names)
        text = "".join(f"<CommonPrefixes><Prefix>{escape(n)}</Prefix></CommonPrefixes>" if n.endswith("/") else f"<Contents><Key>{escape(n)}</Key></Contents>"
                       for n in part)
        following = f"<NextContinuationToken>part/={start + self.page}</NextContinuationToken>" if more else ""
        body = f"<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>{text}" \
               f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{following}</ListBucketResult>"
        self.send(handler, request, 200, {"Content-Type": "application/xml"}, body.encode())

    def signature_problem(self, handler):
        """None, or (status, code, message, headers): the signature is made again from the request as it came over the wire."""
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
                             handler.headers.get("Authorization", ""))
        if not found:
            return 403, "AccessDenied", "Access Denied"
        key, day, region, names, signature = found.groups()
        if key not in self.keys:
            return 403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
        secret, token = self.keys[key]
        if region != self.region:
            return 400, "AuthorizationHeaderMalformed", f"the region '{region}' is wrong", {"x-amz-bucket-region": self.region}
        stamp = handler.headers.get("x-amz-date", "")
        now = time.strftime("%Y%m%d", time.gmtime())
        if not stamp.startswith(day) or abs(int(now) - int(day)) > 1:
            return 403, "RequestTimeTooSkewed", "the date is wrong"
        if token is not None and handler.headers.get("x-amz-security-token") != token:
            return 403, "InvalidToken", "The provided token is malformed or otherwise invalid."
        names = names.split(";")
        if "host" not in names or any(h.lower().startswith("x-amz-") and h.lower() not in names for h in handler.headers):
            return 403, "AccessDenied", "headers that must be signed are not"
        path, _, query = handler.path.partition("?")
        pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
        canonical_query = "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs)
        canonical_path = urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~")
        headers = "".join(f"{n}:{' '.join(handler.headers[n].split())}\n" for n in names)
        canonical = "\n".join([handler.command, canonical_path, canonical_query, headers, ";".join(names), handler.headers.get("x-amz-content-sha256", "")])
        scope = f"{day}/{region}/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        code = ("AWS4" + secret).encode()
        for part in (day, region, "s3", "aws4_request"):
            code = hmac.new(code, part.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(hmac.new(code, to_sign.encode(), hashlib.sha256).hexdigest(), signature):
            return 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
        return None
