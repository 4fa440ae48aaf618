#!/usr/bin/env python3
"""Turns strace output into a metadata trace, joins traces, and counts them.

    convert.py convert --region NAME --cwd DIR [--map DIR=ROOT]... RAWDIR OUT.csv.gz
    convert.py merge OUT.csv.gz IN.csv.gz...
    convert.py stats FILE.csv.gz

A trace is a gzip CSV with the header `timestamp_ms,client,key,op,size,region`, ordered
by time. `record.sh` calls `convert`.

The rules of `convert`:

* put = create, open for writing, truncate, mkdir, unlink, rmdir, rename (old and new
  name), link, symlink, chmod, chown, utimens, xattr writes. get = every other call that
  names a path: stat, access, open for reading, exec, readlink, chdir, statfs.
* Key = the path without the leading slash, made absolute and normalised, its root
  rewritten by --map. /usr and /etc keep their names (/bin, /lib, /sbin are /usr/...).
  All other paths (temporary directories, /proc, /dev, home directories) are left out.
* A call that failed because the path does not exist is a get if the same key exists at
  some time of the run, and is left out otherwise. Any other failure is a get.
* fstat on an open descriptor names no path: left out (its open is in the trace).
* readlink that found no symlink (EINVAL) is one step of realpath() along the directories
  of a path, which compilers do for every header: left out (the open that follows is in).
* Client = the process (threads belong to their process): <region prefix>-p<N>.
* Size = size of the metadata record, fixed per key: 96 + 2 * key length for files,
  96 + the sum of the names' lengths (at most 16384) for directories.
"""

import argparse
import collections
import glob
import gzip
import heapq
import io
import os
import posixpath
import re
import sys

HEADER = "timestamp_ms,client,key,op,size,region"
MAX_KEY_BYTES = 1000
MAX_RECORD = 16384
KEPT_ROOTS = ("usr", "etc")
MERGED_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

# ---- what each system call does ------------------------------------------------------
# Arguments: P = path, D = directory descriptor before a path, S = string to skip.
# Operations, one per P: g = get, p = put, o = by the flags of open.
CALLS = {
    "open": ("P", "o"), "creat": ("P", "p"), "openat": ("DP", "o"), "openat2": ("DP", "o"),
    "stat": ("P", "g"), "lstat": ("P", "g"), "newfstatat": ("DP", "g"), "statx": ("DP", "g"),
    "access": ("P", "g"), "faccessat": ("DP", "g"), "faccessat2": ("DP", "g"),
    "readlink": ("P", "g"), "readlinkat": ("DP", "g"), "statfs": ("P", "g"),
    "execve": ("P", "g"), "execveat": ("DP", "g"), "chdir": ("P", "g"),
    "getxattr": ("P", "g"), "lgetxattr": ("P", "g"),
    "listxattr": ("P", "g"), "llistxattr": ("P", "g"),
    "setxattr": ("P", "p"), "lsetxattr": ("P", "p"),
    "removexattr": ("P", "p"), "lremovexattr": ("P", "p"),
    "mkdir": ("P", "p"), "mkdirat": ("DP", "p"), "mknod": ("P", "p"), "mknodat": ("DP", "p"),
    "rmdir": ("P", "p"), "unlink": ("P", "p"), "unlinkat": ("DP", "p"), "truncate": ("P", "p"),
    "rename": ("PP", "pp"), "renameat": ("DPDP", "pp"), "renameat2": ("DPDP", "pp"),
    "link": ("PP", "gp"), "linkat": ("DPDP", "gp"),
    "symlink": ("SP", "p"), "symlinkat": ("SDP", "p"),
    "chmod": ("P", "p"), "fchmodat": ("DP", "p"), "fchmodat2": ("DP", "p"),
    "chown": ("P", "p"), "lchown": ("P", "p"), "fchownat": ("DP", "p"),
    "utime": ("P", "p"), "utimes": ("P", "p"), "futimesat": ("DP", "p"), "utimensat": ("DP", "p"),
}
FORKS = ("clone", "clone3", "fork", "vfork")
IGNORED = ("getcwd", "fchdir") + FORKS
WRITE_FLAGS = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")

LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)$")
RESULT = re.compile(r"\)\s+= (-?\d+|\?)(?:<(?:[^>\\]|\\.)*>)?(?:\(deleted\))?(?: (E[A-Z0-9]+)\b.*| \(.*\))?$")
STRING = re.compile(r'(?:"((?:[^"\\]|\\.)*)"(?:\.\.\.)?|NULL)')
DESCRIPTOR = re.compile(r"(AT_FDCWD|-?\d+)(?:<((?:[^>\\]|\\.)*)>(?:\(deleted\))?)?")
ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)")
SIMPLE_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "a": "\a", "b": "\b"}


def unescape(text):
    """The path behind strace's C-style escapes; bytes that are not UTF-8 stay surrogates."""
    if "\\" not in text:
        return text

    def one(match):
        code = match.group(1)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        if code[0] in "01234567":
            return chr(int(code, 8) & 255)
        return SIMPLE_ESCAPES.get(code, code)

    return ESCAPE.sub(one, text).encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def escape_key(key):
    """Key for a CSV column: no comma, quote, percent sign or control character remains."""
    if re.search(r'[,"%\x00-\x1f\x7f\udc80-\udcff]', key) is None:
        return key
    out = []
    for char in key:
        if char in ',"%' or char < " " or char == "\x7f" or "\udc80" <= char <= "\udcff":
            out.extend("%%%02X" % byte for byte in char.encode("utf-8", "surrogateescape"))
        else:
            out.append(char)
    return "".join(out)


class Roots:
    """Rewrites real paths to keys below neutral roots."""

    def __init__(self, maps):
        pairs = []
        for item in maps:
            real, _, root = item.rpartition("=")
            if not real or not root:
                sys.exit("convert.py: --map needs DIR=ROOT, not " + item)
            pairs.append((os.path.realpath(real), root.strip("/")))
        self.pairs = sorted(pairs, key=lambda pair: -len(pair[0]))
        self.known = {}

    def key(self, path):
        """Key of a normalised absolute path, or None if the path is outside all roots."""
        if path not in self.known:
            self.known[path] = self.rewrite(path)
        return self.known[path]

    def rewrite(self, path):
        for real, root in self.pairs:
            if path == real or path.startswith(real + "/"):
                return escape_key(root + path[len(real):])
        key = path.lstrip("/")
        first = key.split("/", 1)[0]
        if first in MERGED_USR:
            return escape_key("usr/" + key)
        return escape_key(key) if first in KEPT_ROOTS else None


def record_size(path, key):
    """Size of the metadata record the demo keeps for a key."""
    if os.path.isdir(path) and not os.path.islink(path):
        try:
            return min(MAX_RECORD, 96 + sum(len(os.fsencode(name)) for name in os.listdir(path)))
        except OSError:
            pass
    return 96 + 2 * len(key.encode("utf-8"))


# ---- convert -------------------------------------------------------------------------

def read_lines(raw):
    """All lines of all processes in the order of time: (time, pid, call, rest)."""
    def of_process(name):
        pid = int(name.rpartition(".")[2])
        with open(name, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                match = LINE.match(line.rstrip("\n"))
                if match:
                    yield float(match.group(1)), pid, match.group(2), match.group(3)

    lines = []
    for name in glob.glob(os.path.join(glob.escape(raw), "strace.*")):
        lines.extend(of_process(name))
    lines.sort(key=lambda line: line[:2])      # stable: a process keeps its own order
    return lines


class Converter:
    def __init__(self, roots, cwd):
        self.roots = roots
        self.start_cwd = cwd
        self.cwd = {}                     # process -> working directory
        self.process = {}                 # thread -> its process
        self.rows = []                    # (ms, process, key, op, missing)
        self.real = {}                    # key -> real path, for the record size
        self.counts = collections.Counter()

    def path_of(self, process, base, text):
        path = unescape(text)
        return posixpath.normpath(posixpath.join(base or self.cwd_of(process), path))

    def cwd_of(self, process):
        return self.cwd.get(process, self.start_cwd)

    def add(self, ms, process, path, op, missing):
        # normpath keeps a leading double slash
        path = "/" + path.lstrip("/")
        key = self.roots.key(path)
        if key is None or len(key.encode("utf-8")) > MAX_KEY_BYTES:
            self.counts["outside the roots"] += 1
            return
        self.real.setdefault(key, path)
        self.rows.append((ms, process, key, op, missing))

    def fork(self, pid, rest, result):
        if result <= 0:
            return
        process = self.process.get(pid, pid)
        if "CLONE_THREAD" in rest:
            self.process[result] = process
        else:
            if result in self.cwd:        # its file was overwritten: the run is too long
                self.counts["process ids used twice: record a shorter run"] += 1
            self.process.pop(result, None)
            self.cwd[result] = self.cwd_of(process)

    def line(self, ms, pid, call, rest):
        found = RESULT.search(rest)
        if found is None or found.group(1) == "?":
            self.counts["without a result"] += 1
            return
        result, error = int(found.group(1)), found.group(2)
        process = self.process.get(pid, pid)
        if call in FORKS:
            self.fork(pid, rest, result)
            return
        if call == "fchdir":
            match = DESCRIPTOR.match(rest)
            if result == 0 and match and match.group(2):
                self.cwd[process] = unescape(match.group(2))
            return
        if call in IGNORED:
            return
        if call not in CALLS:
            self.counts["unknown call " + call] += 1
            return
        self.counts["calls"] += 1
        arguments, operations = CALLS[call]
        if error == "EINVAL" and call.startswith("readlink"):
            self.counts["readlink that found no symlink"] += 1
            return
        paths = self.paths(process, arguments, rest)
        if paths is None:
            self.counts["stat of an open descriptor"] += 1
            return
        missing = error in ("ENOENT", "ENOTDIR")
        if error in ("EINTR", "ENOSYS", "EFAULT", "ENAMETOOLONG"):
            self.counts["other failure"] += 1
            return
        for path, operation in zip(paths, operations):
            if operation == "o":
                operation = "p" if WRITE_FLAGS.search(rest) else "g"
            op = "put" if operation == "p" and error is None else "get"
            self.add(ms, process, path, op, missing)
        if call == "chdir" and error is None:
            self.cwd[process] = paths[0]

    def paths(self, process, arguments, rest):
        """Absolute paths of a call, or None where it names a descriptor only."""
        paths, base, at = [], None, 0
        for kind in arguments:
            match = (DESCRIPTOR if kind == "D" else STRING).match(rest, at)
            if match is None:
                return None
            at = match.end() + 2          # the comma and the space
            if kind == "D":
                base = unescape(match.group(2)) if match.group(2) else None
                if match.group(1) == "AT_FDCWD" and base:
                    self.cwd[process] = base
            elif kind == "P":
                text = match.group(1)
                if text:
                    paths.append(self.path_of(process, base, text))
                elif text is None and base:   # NULL: utimensat of an open file
                    paths.append(base)
                else:                         # "": fstat of an open file
                    return None
                base = None
        return paths


def convert(options):
    converter = Converter(Roots(options.map), os.path.realpath(options.cwd))
    lines = read_lines(options.raw)
    if not lines:
        sys.exit("convert.py: no strace output in " + options.raw)
    start = lines[0][0]
    for time, pid, call, rest in lines:
        converter.line(int((time - start) * 1000), pid, call, rest)

    exists = {key for _, _, key, _, missing in converter.rows if not missing}
    prefix = options.region.split("-", 1)[0]
    clients, sizes, written = {}, {}, []
    for ms, process, key, op, missing in converter.rows:
        if missing:
            converter.counts["look-ups of a key that is missing at the time, kept"
                             if key in exists else "look-ups of a key that never exists"] += 1
            if key not in exists:
                continue
        client = clients.setdefault(process, "%s-p%d" % (prefix, len(clients)))
        if key not in sizes:
            sizes[key] = record_size(converter.real[key], key)
        written.append((ms, client, key, op, sizes[key], options.region))
    write(options.out, written)
    converter.counts["rows"] = len(written)
    for name, count in sorted(converter.counts.items()):
        print("%-55s %9d" % (name, count), file=sys.stderr)


# ---- traces --------------------------------------------------------------------------

def read(name):
    with gzip.open(name, "rt", encoding="utf-8", newline="") as lines:
        if next(lines).rstrip("\n") != HEADER:
            sys.exit("convert.py: not a trace: " + name)
        for line in lines:
            ms, client, key, op, size, region = line.rstrip("\n").split(",")
            yield int(ms), client, key, op, int(size), region


def write(name, rows):
    """Without a time stamp or name in the gzip header: the same rows give the same bytes."""
    with open(name, "wb") as file, \
            gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as packed, \
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
        text.write(HEADER + "\n")
        for row in rows:
            text.write("%d,%s,%s,%s,%d,%s\n" % row)


def merge(options):
    """One trace ordered by time; a key has the same record size in every region."""
    traces = [list(read(name)) for name in options.inputs]
    sizes = collections.defaultdict(int)
    for trace in traces:
        for _, _, key, _, size, _ in trace:
            sizes[key] = max(sizes[key], size)
    merged = heapq.merge(*traces, key=lambda row: row[0])
    write(options.out, (row[:4] + (sizes[row[2]],) + row[5:] for row in merged))


def stats(options):
    regions = collections.defaultdict(lambda: [0, 0, set(), set(), 0])
    for ms, client, key, op, _, region in read(options.file):
        of = regions[region]
        of[0] += 1
        of[1] += op == "put"
        of[2].add(key)
        of[3].add(client)
        of[4] = max(of[4], ms)
    print("| region | rows | gets | puts | keys | clients | span (s) |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for region, (rows, puts, keys, clients, last) in sorted(regions.items()):
        print("| %s | %s | %s | %s | %s | %s | %.0f |" % (
            region, f"{rows:,}", f"{rows - puts:,}", f"{puts:,}", f"{len(keys):,}",
            f"{len(clients):,}", last / 1000))
    seen = collections.Counter(key for of in regions.values() for key in of[2])
    print("| all | %s | %s | %s | %s | %s | |" % (
        f"{sum(of[0] for of in regions.values()):,}",
        f"{sum(of[0] - of[1] for of in regions.values()):,}",
        f"{sum(of[1] for of in regions.values()):,}", f"{len(seen):,}",
        f"{sum(len(of[3]) for of in regions.values()):,}"))
    for count in sorted(set(seen.values()), reverse=True):
        keys = {key for key, of in seen.items() if of == count}
        rows = sum(1 for row in read(options.file) if row[2] in keys)
        total = sum(of[0] for of in regions.values())
        print("keys in %d region(s): %d (%.0f %%), with %.0f %% of the rows" % (
            count, len(keys), 100 * len(keys) / len(seen), 100 * rows / total))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("convert", help="strace output of one run -> a trace")
    one.add_argument("--region", required=True)
    one.add_argument("--cwd", required=True, help="directory the command was started in")
    one.add_argument("--map", action="append", default=[], metavar="DIR=ROOT")
    one.add_argument("raw", help="directory with the files strace.PID")
    one.add_argument("out")
    one.set_defaults(run=convert)
    joined = commands.add_parser("merge", help="several traces -> one, ordered by time")
    joined.add_argument("out")
    joined.add_argument("inputs", nargs="+")
    joined.set_defaults(run=merge)
    counted = commands.add_parser("stats", help="the table of counts")
    counted.add_argument("file")
    counted.set_defaults(run=stats)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
