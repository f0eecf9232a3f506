"""A web server on this computer."""

import http.server
import threading

import pytest

CONTENT = {"a/one.bin": bytes(range(256)) * 1000, "a/two.bin": b"second" * 9000}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files with byte ranges, as large servers send them; what was asked for is noted."""

    asked: list
    cut: dict  # path → number of bytes after which the connection ends
    ranges = True

    def do_GET(self):
        path = self.path.lstrip("/").split("/", 1)[-1]
        wanted = self.headers.get("Range")
        self.asked.append((path, wanted))
        data = self.files.get(path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        end = self.cut.pop(path, len(data))
        self.wfile.write(data[start:end])
        if end < len(data):
            self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server of its own for each test: address and handler."""
    handler = type("TestHandler", (Handler,), {"asked": [], "cut": {}, "files": dict(CONTENT)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/base", handler
        running.shutdown()
