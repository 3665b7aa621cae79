"""A model hub on loopback for the real client: what the published hub says and does, as far as the toolkit asks it.

It answers: information of models and datasets, trees, paths, commits, files (with ETags, ranges and a redirect to a
store for large ones), whoami, and the way up: create, preupload, the large files' batch, commit. It speaks no Xet.

Faults on demand: `{"match": "GET .*bin", "status": 503, "times": 2, "headers": {}, "body": "", "cut": 1000}`; `cut`
sends that many bytes of the true answer and ends the connection. Tests in this process set `server.hub.faults` and read
`server.hub.log`; another process does both below /_control.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".bin", ".ckpt", ".safetensors", ".model", ".npy", ".zip", ".parquet", ".wav", ".mp3", ".flac")
DATE = "2023-02-02T00:00:00.000Z"
PAGE = 400  # entries of a tree in one answer; the published hub gives 1,000
REPO = r"[^/]+/[^/]+"
USER = "user"  # whose tokens may write below user/


def content(file):
    return file.read_bytes() if isinstance(file, Path) else file


def sha256(file):
    return hashlib.sha256(content(file)).hexdigest()


def blob_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repo:
    refs: dict = field(default_factory=dict)  # main -> commit
    trees: dict = field(default_factory=dict)  # commit -> {path: bytes or Path}
    gated: bool = False
    private: bool = False


@dataclass
class Hub:
    """Repositories by (kind, name), tokens by what they may, and what was asked."""

    repos: dict = field(default_factory=lambda: defaultdict(Repo))
    tokens: dict = field(default_factory=dict)  # token -> {"role": "write", "gated": True}
    moved: dict = field(default_factory=dict)  # old name -> new name
    store: dict = field(default_factory=dict)  # digest -> file, of large ones
    log: list = field(default_factory=list)
    faults: list = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, name, files, kind="models", revision="main", gated=False, private=False):
        """Add a commit of these files, a folder or {path: content}, and return its id."""
        if isinstance(files, Path):
            files = {f.relative_to(files).as_posix(): f for f in sorted(files.rglob("*")) if f.is_file()}
        digests = {path: sha256(file) for path, file in sorted(files.items())}
        self.store |= {digests[path]: file for path, file in files.items() if path.endswith(LARGE)}
        commit = hashlib.sha1(json.dumps([kind, name, digests]).encode()).hexdigest()
        repo = self.repos[kind, name]
        repo.refs[revision], repo.trees[commit] = commit, files
        repo.gated, repo.private = repo.gated or gated, repo.private or private
        return commit

    def fault_of(self, asked):
        with self.lock:
            for fault in self.faults:
                if fault.get("times", 1) > 0 and re.search(fault["match"], asked):
                    fault["times"] = fault.get("times", 1) - 1
                    return fault
        return {}


class Answer(Exception):
    def __init__(self, status, body=b"", **headers):
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
            self.headers.setdefault("Content-Type", "application/json")
        self.body = body


def refusal(status, code, message, **headers):
    return Answer(status, {"error": message}, X_Error_Code=code, X_Error_Message=message, **headers)


def entry(path, file):
    data = content(file)
    if not path.endswith(LARGE):
        return {"type": "file", "oid": blob_id(data), "size": len(data), "path": path}
    digest = sha256(file)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(data)}\n".encode()
    lfs = {"oid": digest, "size": len(data), "pointerSize": len(pointer)}
    return {"type": "file", "oid": blob_id(pointer), "size": len(data), "path": path, "lfs": lfs}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_):
        pass

    def answer(self):
        self.sent = self.read_body()
        url = urlsplit(self.path)
        self.route, self.query = url.path, {name: values[0] for name, values in parse_qs(url.query).items()}
        asked, cut = f"{self.command} {self.path}", None
        try:
            if self.route.startswith("/_control"):
                self.control()
            fault = self.hub.fault_of(asked)
            time.sleep(fault.get("delay", 0))
            cut = fault.get("cut")
            if "status" in fault:
                raise Answer(fault["status"], fault.get("body", "").encode(), **fault.get("headers", {}))
            for pattern, method in ROUTES:
                if match := re.fullmatch(pattern, self.route):
                    method(self, *map(unquote, match.groups(default="")))
            raise Answer(404, {"error": "Sorry, we can't find the page you are looking for."})
        except Answer as answer:
            marks = [str(answer.status), "cut" * (cut is not None), self.headers.get("Range", "")]
            if not self.route.startswith("/_control"):
                self.hub.log.append(" ".join([asked, "->", *filter(None, marks)]))
            self.send(answer, cut)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_CONNECT = answer

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def send(self, answer, cut):
        headers = {"X-Request-Id": "Root=1-loopback", "Content-Length": len(answer.body)} | answer.headers
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):  # whoever asked is gone
                self.wfile.write(answer.body if cut is None else answer.body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def control(self):
        if self.route == "/_control/faults":
            self.hub.faults[:] = json.loads(self.sent)
            self.hub.log.clear()
        raise Answer(200, self.hub.log)

    # Who asks, and for what.

    def base(self):
        return f"http://{self.headers.get('Host')}"

    def page(self, kind, name):
        return f"{self.base()}/{'datasets/' * (kind == 'datasets')}{name}"

    def token(self):
        given = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if given and given not in self.hub.tokens:
            raise refusal(401, "", "Invalid credentials in Authorization header")
        return self.hub.tokens.get(given)

    def repo(self, kind, name):
        if name in self.hub.moved:
            raise Answer(307, b"", Location=self.path.replace(name, self.hub.moved[name], 1))
        token = self.token()
        if (kind, name) not in self.hub.repos or (self.hub.repos[kind, name].private and not token):
            raise refusal(404 if token else 401, "RepoNotFound", "Repository not found")
        return self.hub.repos[kind, name]

    def gate(self, kind, name, repo):
        token = self.token()
        if repo.gated and not (token or {}).get("gated"):
            told = f"Access to {kind[:-1]} {name} is restricted"
            if token is None:
                raise refusal(
                    401, "GatedRepo", f"{told}. You must have access to it and be authenticated to access it."
                )
            page = self.page(kind, name)
            raise refusal(403, "GatedRepo", f"{told} and you are not in the authorized list. Visit {page} to ask.")

    def commit(self, repo, revision):
        commit = repo.refs.get(revision, revision)
        if commit not in repo.trees:
            raise refusal(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return commit

    # What is read.

    def whoami(self):
        token = self.token()
        if token is None:
            raise refusal(401, "", "Invalid username or password.")
        auth = {"type": "access_token", "accessToken": {"displayName": "t", "role": token["role"]}}
        raise Answer(200, {"type": "user", "id": "1", "name": USER, "fullname": "User", "orgs": [], "auth": auth})

    def info(self, kind, name, revision):
        repo = self.repo(kind, name)
        commit = self.commit(repo, revision or "main")
        about = {"_id": "1", "id": name, "sha": commit, "private": repo.private, "disabled": False, "tags": [],
                 "gated": "auto" if repo.gated else False, "lastModified": DATE, "createdAt": DATE, "cardData": {},
                 "author": name.split("/")[0], "siblings": [{"rfilename": path} for path in repo.trees[commit]]}  # fmt: skip
        raise Answer(200, about)

    def tree(self, kind, name, revision, folder):
        repo = self.repo(kind, name)
        files = repo.trees[self.commit(repo, revision)]
        self.gate(kind, name, repo)
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in files if path.startswith(prefix)]
        if folder and not inside:
            raise refusal(404, "EntryNotFound", f"{folder} does not exist")
        recursive = self.query.get("recursive", "").lower() == "true"
        parents = {prefix + "/".join(parts[:depth]) for path in inside if (parts := path[len(prefix) :].split("/"))
                   for depth in range(1, len(parts)) if recursive or depth == 1}  # fmt: skip
        entries = [entry(p, files[p]) for p in inside if recursive or "/" not in p[len(prefix) :]]
        entries += [{"type": "directory", "oid": "0" * 40, "size": 0, "path": parent} for parent in sorted(parents)]
        start = int(self.query.get("cursor", "0"))
        more = {}
        if len(entries) > start + PAGE:
            asked = "".join(f"{key}={value}&" for key, value in self.query.items() if key != "cursor")
            more = {"Link": f'<{self.base()}{self.route}?{asked}cursor={start + PAGE}>; rel="next"'}
        raise Answer(200, entries[start : start + PAGE], **more)

    def paths(self, kind, name, revision):
        repo = self.repo(kind, name)
        files = repo.trees[self.commit(repo, revision)]
        is_json = "json" in self.headers.get("Content-Type", "")
        asked = (json.loads(self.sent) if is_json else parse_qs(self.sent.decode())).get("paths", [])
        folder = {"type": "directory", "oid": "0" * 40, "size": 0}
        found = [entry(path, files[path]) for path in asked if path in files]
        found += [{**folder, "path": path} for path in asked if any(file.startswith(f"{path}/") for file in files)]
        raise Answer(200, found)

    def commits(self, kind, name, revision):
        repo = self.repo(kind, name)
        commit = self.commit(repo, revision)
        one = {"title": "a commit", "message": "", "authors": [{"user": USER}], "date": DATE}
        raise Answer(200, [{"id": commit, **one}])

    def discussions(self, kind, name):
        raise Answer(200, {"discussions": [], "count": 0, "start": 0})

    def resolve(self, kind, name, revision, path):
        kind = "datasets" if kind else "models"
        repo = self.repo(kind, name)
        commit = self.commit(repo, revision)
        self.gate(kind, name, repo)
        if path not in repo.trees[commit]:
            raise refusal(404, "EntryNotFound", "Entry not found", X_Repo_Commit=commit)
        file = repo.trees[commit][path]
        if not path.endswith(LARGE):
            self.data(file, blob_id(content(file)), X_Repo_Commit=commit)
        digest = sha256(file)
        place = f"{self.base().replace('127.0.0.1', 'localhost')}/_store/{digest}"  # another host gets no token
        raise Answer(302, b"", X_Repo_Commit=commit, X_Linked_Size=len(content(file)), X_Linked_ETag=f'"{digest}"',
                     ETag=f'"{digest}"', Location=place)  # fmt: skip

    def stored(self, digest):
        self.data(self.hub.store[digest], digest)

    def data(self, file, tag, **headers):
        data = content(file)
        headers |= {"Content_Type": "application/octet-stream", "Accept_Ranges": "bytes", "ETag": f'"{tag}"'}
        if not (wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))):
            raise Answer(200, data, **headers)
        first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
        if first >= len(data):
            raise Answer(416, b"", Content_Range=f"bytes */{len(data)}", **headers)
        raise Answer(206, data[first : last + 1], Content_Range=f"bytes {first}-{last}/{len(data)}", **headers)

    # What is written.

    def may_write(self, name):
        if (token := self.token()) is None:
            raise refusal(401, "", "Invalid username or password.")
        if token["role"] != "write" or name.split("/")[0] != USER:
            raise refusal(403, "", f'You don\'t have the rights to create a model under the namespace "{name}"')

    def validate(self):
        raise Answer(200, {"errors": [], "warnings": []})

    def create(self):
        sent = json.loads(self.sent)
        name, kind = f"{sent.get('organization') or USER}/{sent['name']}", f"{sent.get('type') or 'model'}s"
        self.may_write(name)
        page = self.page(kind, name)
        if (kind, name) in self.hub.repos:
            raise Answer(409, {"error": "You already created this repo", "url": page})
        private = sent.get("visibility") == "private" or bool(sent.get("private"))
        self.hub.add(name, {".gitattributes": b"*.bin filter=lfs\n"}, kind, private=private)
        raise Answer(200, {"url": page, "name": name, "id": "1"})

    def preupload(self, kind, name, revision):
        self.may_write(name)
        files = [{"path": file["path"], "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                  "shouldIgnore": False, "oid": None} for file in json.loads(self.sent)["files"]]  # fmt: skip
        raise Answer(200, {"files": files})

    def batch(self, kind, name):
        self.may_write(name)
        objects = []
        for wanted in json.loads(self.sent)["objects"]:
            upload = {"upload": {"href": f"{self.base()}/_upload/{wanted['oid']}", "header": {}}}
            known = {} if wanted["oid"] in self.hub.store else {"actions": upload}
            objects.append({"oid": wanted["oid"], "size": wanted["size"], **known})
        found = {"transfer": "basic", "objects": objects}
        raise Answer(200, found, Content_Type="application/vnd.git-lfs+json")

    def upload(self, digest):
        if sha256(self.sent) != digest:
            raise Answer(400, {"error": "wrong content"})
        self.hub.store[digest] = self.sent
        raise Answer(200, b"", ETag=digest)

    def write(self, kind, name, revision):
        self.may_write(name)
        repo = self.repo(kind, name)
        files = dict(repo.trees[self.commit(repo, revision)])
        for line in self.sent.splitlines():
            row = json.loads(line)
            value = row["value"]
            if row["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif row["key"] == "lfsFile":
                files[value["path"]] = self.hub.store[value["oid"]]
        commit = self.hub.add(name, files, kind, revision)
        page = f"{self.page(kind, name)}/commit/{commit}"
        raise Answer(200, {"success": True, "commitOid": commit, "commitUrl": page, "hookOutput": ""})


API = rf"/api/(models|datasets)/({REPO})"
ROUTES = [
    (r"/api/whoami-v2", Handler.whoami),
    (r"/api/validate-yaml", Handler.validate),
    (r"/api/repos/create", Handler.create),
    (rf"{API}(?:/revision/(.+))?", Handler.info),
    (rf"{API}/tree/([^/]+)/?(.*)", Handler.tree),
    (rf"{API}/paths-info/(.+)", Handler.paths),
    (rf"{API}/commits/(.+)", Handler.commits),
    (rf"{API}/discussions", Handler.discussions),
    (rf"{API}/preupload/(.+)", Handler.preupload),
    (rf"{API}/commit/(.+)", Handler.write),
    (rf"/(datasets/)?({REPO})\.git/info/lfs/objects/batch", Handler.batch),
    (rf"/(datasets/)?({REPO})/resolve/([^/]+)/(.+)", Handler.resolve),
    (r"/_store/([0-9a-f]{64})", Handler.stored),
    (r"/_upload/([0-9a-f]{64})", Handler.upload),
]


def serve(hub):
    """Return a server of a hub, listening on loopback in a thread of its own; `shutdown` ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    server.hub, server.url = hub, f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
