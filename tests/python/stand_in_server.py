"""A server that streams completions as handmill serve and llama-server do, at speeds and with
faults that a test sets. As a program it takes the arguments of both, and its plan from plan.json
beside itself."""

import http.server
import json
import os
import socketserver
import sys
import threading
import time


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, plan, port=0):
        self.plan, self.bodies, self.lock = plan, [], threading.Lock()
        self.running = self.most = self.left = 0
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request, client_address):
        with self.lock:
            self.left += 1  # only a client that goes away makes a handler fail


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body, *headers):
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server = self.server
        if self.path == "/metrics":
            more = server.plan.get("leftover", {})
            lines = [f'{name}{{model_name="m"}} {more.get(name, 0)}' for name in
                     ("vllm:num_requests_running", "vllm:num_requests_waiting",
                      "vllm:kv_cache_usage_perc")]
            return self.send(200, "\n".join(lines).encode())
        return self.send(200, b'{"status":"ok"}')

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            number = len(server.bodies)
            server.bodies.append((self.path, body))
            server.running += 1
            server.most = max(server.most, server.running)
        last = b""
        try:
            last = self.answer(body, server.plan, server.plan.get("faults", {}).get(str(number)))
        finally:
            with server.lock:
                server.running -= 1  # before the client knows that it has all, and asks again
        self.wfile.write(last)

    def answer(self, body, plan, fault):
        """Sends all of it but its last bytes, and gives them."""
        time.sleep(plan.get("first_s", 0))
        if isinstance(fault, int):
            retry = [("Retry-After", "1")] if plan.get("retry_after", True) else []
            self.send(fault, b'{"error":{"message":"it is busy"}}', *retry)
            return b""
        if fault == "reset":
            self.connection.close()
            return b""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        tokens = body["max_tokens"] - (fault == "short")
        for i in range(tokens):
            if i:
                time.sleep(plan.get("token_s", 0))
            self.event({"choices": [self.choice(body, " the")]}, plan)
            if fault == "cut":
                self.close_connection = True
                self.connection.shutdown(2)
                return b""
        if fault == "error":
            self.event({"error": {"message": "the model is broken"}}, plan)
        if fault == "garbage":
            self.event("{", plan)
        prompt = body.get("prompt") or body["messages"][0]["content"]
        count = len(prompt.split() if isinstance(prompt, str) else prompt)
        if fault != "no usage":
            self.event({"choices": [], "usage": {
                "prompt_tokens": count, "completion_tokens": tokens,
                "prompt_tokens_details": {"cached_tokens": plan.get("cached", 0)}}}, plan)
        if fault != "not done":
            self.event("[DONE]", plan)
        return b"0\r\n\r\n"

    @staticmethod
    def choice(body, text):
        return {"delta": {"content": text}} if "messages" in body else {"text": text}

    def event(self, data, plan):
        data = f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()
        step = plan.get("piece", len(data))
        for at in range(0, len(data), step):
            part = data[at:at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()


def main():
    words = sys.argv[1:]
    folder, name = os.path.split(os.path.abspath(sys.argv[0]))
    with open(f"{folder}/plan.json", encoding="utf-8") as file:
        plan = json.load(file)
    with open(f"{folder}/calls", "a", encoding="utf-8") as calls:
        calls.write(json.dumps([name, *words]) + "\n")
    if "--version" in words:
        print("handmill 9.8.7" if name == "handmill" else "version: 1.2.3 (build 7)")
    elif plan.get(name, {}).get("fails"):
        sys.exit("the model is broken")
    else:
        port = int(words[words.index("--port") + 1])
        Server(plan.get(name, {}), port).serve_forever()


if __name__ == "__main__":
    main()
