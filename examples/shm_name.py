#!/usr/bin/python3
# shm_name.py - scores two masks in a shared memory segment by its name: shm_name.py HTTP_SOCKET
# SPDX-License-Identifier: Apache-2.0
"""multiprocessing.shared_memory, NumPy and the standard library. The daemon runs as the same user,
with shm.enabled = yes and a Unix socket (listen.unix), whose path is the argument."""
import http.client
import json
import socket
import sys
from multiprocessing import shared_memory

import numpy as np


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(connection, method, path, message=None):
    body = json.dumps(message) if message is not None else None
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400:
        sys.exit(text.decode())
    return json.loads(text) if text else None


def main():
    connection = UnixConnection(sys.argv[1])
    shape = (2, 64, 128, 128)  # one region holds both masks: the prediction, then the reference
    segment = shared_memory.SharedMemory(create=True, size=int(np.prod(shape)))
    masks = np.ndarray(shape, np.uint8, segment.buf)
    masks[...] = 0
    masks[0, 20:40, 30:90, 30:90] = 1  # written where they are, so that nothing is copied
    masks[1, 22:42, 30:90, 30:90] = 1

    ask(connection, "PUT", "/v1/shm/validation",
        {"key": "/" + segment.name.lstrip("/"), "byte_size": segment.size})
    answer = ask(connection, "POST", "/v1/score", {
        side: {"shm": "validation", "dtype": "uint8", "shape": masks[i].shape,
               "offset": i * masks.strides[0], "strides": masks[i].strides}
        for i, side in enumerate(("prediction", "reference"))})
    print("dice %.4f" % answer["classes"][0]["dice"])

    ask(connection, "DELETE", "/v1/shm/validation")
    connection.close()
    del masks
    segment.close()
    segment.unlink()


if __name__ == "__main__":
    main()
