"""A server of DAP2 on loopback for tests: arrays in memory, by .dds, .das and .dods with constraints. Facts: the specification of DAP2."""

import re
import urllib.parse

import numpy as np
from file_server import FileServer

_NAMES = {"u1": "Byte", "i2": "Int16", "u2": "UInt16", "i4": "Int32", "u4": "UInt32", "f4": "Float32", "f8": "Float64"}


def _code(x):
    return _NAMES[x.dtype.str[1:]]


def _xdr(x):
    """Values as they go over the wire: bytes as they are, filled up to four; small integers as four bytes; all big-endian."""
    kind = x.dtype.str[1:]
    if kind == "u1":
        data = x.tobytes()
        return data + b"\0" * (-len(data) % 4) if x.ndim else b"\0\0\0" + data
    wide = {"i2": ">i4", "u2": ">u4"}.get(kind, ">" + kind)
    return x.astype(wide).tobytes()


class DapServer(FileServer):
    """`datasets`: {path: (variables, attributes)}, variables: {name: (dims, values, attributes)}; attributes of the whole are NC_GLOBAL's.

    A name in `grids` is declared as a Grid, with the variables of its dimensions as maps.
    """

    def __init__(self, datasets, *, grids=(), **options):
        super().__init__("/nonexistent", **options)
        self.datasets, self.grids = datasets, set(grids)

    def serve(self, handler, request, fault):
        path, dot, kind = request.path.rpartition(".")
        if kind not in ("dds", "das", "dods") or path not in self.datasets:
            page = b"<html><body>This is an OPeNDAP server: ask for .dds, .das or .dods</body></html>"
            return self.send(handler, request, 400, {"Content-Type": "text/html"}, page)
        variables, attributes = self.datasets[path]
        if kind == "das":
            return self.send(handler, request, 200, {"Content-Type": "text/plain", "Content-Description": "dods-das", "XDODS-Server": "dods/2.0"},
                             self.das(variables, attributes).encode())
        query = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).query)
        dds, data = self.constrained(variables, query)
        if kind == "dds":
            return self.send(handler, request, 200, {"Content-Type": "text/plain", "Content-Description": "dods-dds", "XDODS-Server": "dods/2.0"}, dds.encode())
        body = dds.encode() + b"\nData:\n" + b"".join(data)
        self.send(handler, request, 200, {"Content-Type": "application/octet-stream", "Content-Description": "dods-data", "XDODS-Server": "dods/2.0"}, body,
                  fault.get("drop"))

    def das(self, variables, attributes):
        def block(values):
            out = ""
            for name, value in values.items():
                if isinstance(value, str):
                    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
                    out += f'        String {name} "{escaped}";\n'
                else:
                    x = np.atleast_1d(np.asarray(value))
                    out += f"        {_code(x)} {name} {', '.join(repr(v.item()) for v in x)};\n"
            return out

        text = "Attributes {\n"
        for name, (_, _, values) in variables.items():
            text += f"    {name} {{\n{block(values)}    }}\n"
        return text + f"    NC_GLOBAL {{\n{block(attributes)}    }}\n}}\n"

    def constrained(self, variables, query):
        wanted = []
        for part in query.split(",") if query else variables:
            name, _, rest = part.partition("[")
            cuts = [tuple(map(int, c.split(":"))) for c in re.findall(r"\[([0-9:]+)\]", "[" + rest)] if rest else []
            cuts = [(c[0], 1, c[0]) if len(c) == 1 else (c[0], 1, c[1]) if len(c) == 2 else c for c in cuts]
            whole, _, member = name.partition(".")
            wanted.append((whole, member, cuts))
        dds, data = "Dataset {\n", []
        for name, member, cuts in wanted:
            dims, x, _ = variables[member or name]
            x = np.asarray(x)
            part = x[tuple(slice(a, b + 1, s) for a, s, b in cuts)] if cuts else x

            def declared(n, d, v):
                return f"{_code(v)} {n}{''.join(f'[{k} = {m}]' for k, m in zip(d, v.shape))};"

            def encoded(v):
                count = np.array([v.size, v.size], ">u4").tobytes() if v.ndim else b""
                return count + _xdr(v)

            if name in self.grids and not member:
                maps = [(d, np.asarray(variables[d][1])[slice(c[0], c[2] + 1, c[1]) if c else slice(None)]) for d, c in zip(dims, cuts or [None] * len(dims))]
                dds += "    Grid {\n      ARRAY:\n        " + declared(name, dims, part) + "\n      MAPS:\n"
                dds += "".join(f"        {declared(d, [d], m)}\n" for d, m in maps) + f"    }} {name};\n"
                data += [encoded(part)] + [encoded(m) for _, m in maps]
            elif member:
                dds += "    Structure {\n        " + declared(member, dims, part) + f"\n    }} {name};\n"
                data.append(encoded(part))
            else:
                dds += "    " + declared(name, dims, part) + "\n"
                data.append(encoded(part))
        return dds + "} data;\n", data
