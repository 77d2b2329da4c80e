"""An MCP client for tests: starts a server, asks, and says what it was answered. Python 3 without packages."""
import json
import os
import subprocess


class Client:
    def __init__(self, command, name="test-client", version="2025-11-25", env=None):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(env or {})})
        self.id = 0
        if name:
            self.hello = self.ask("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": name, "version": "1"}})
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.child.stdin.write((json.dumps(message) + "\n").encode())
        self.child.stdin.flush()

    def receive(self):
        line = self.child.stdout.readline()
        if not line:
            raise EOFError("the server ended")
        return json.loads(line)

    def ask(self, method, params=None):
        self.id += 1
        self.send({"jsonrpc": "2.0", "id": self.id, "method": method, **({"params": params} if params is not None else {})})
        answer = self.receive()
        assert answer["id"] == self.id, answer
        return answer

    def call(self, tool, **arguments):
        """The tool's answer, or its error as a text."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]
        text = result["content"][0]["text"]
        if result["isError"]:
            return text
        assert json.loads(text) == result["structuredContent"], result
        return result["structuredContent"]

    def close(self):
        self.child.stdin.close()
        rest = self.child.stdout.read()
        return self.child.wait(timeout=30), rest


def replay(recording, command):
    """Plays the client of a recorded dialogue ('<< ' what it sent, '>> ' what it was answered); the pairs of answers."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pairs = []
    for line in open(recording, encoding="utf-8"):
        if line.startswith("<< "):
            child.stdin.write(line[3:].encode())
            child.stdin.flush()
        elif line.startswith(">> "):
            pairs.append((json.loads(line[3:]), json.loads(child.stdout.readline())))
    child.stdin.close()
    rest = child.stdout.read()
    assert child.wait(timeout=30) == 0 and not rest, rest
    return pairs
