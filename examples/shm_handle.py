#!/usr/bin/python3
# shm_handle.py - scores masks by handing descriptors over, without HTTP: shm_handle.py FD_SOCKET
# SPDX-License-Identifier: Apache-2.0
"""memfd_create, NumPy and the standard library. The daemon has shm.enabled = yes and a descriptor
socket (listen.fd), whose path is the argument."""
import fcntl
import json
import mmap
import os
import socket
import sys

import numpy as np

F_ADD_SEALS, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE = 1033, 2, 4, 8
ANSWER_BYTES = 65536  # a longer answer comes in a memfd


def shared_array(shape, dtype):
    """An array in memory that can be handed over: (descriptor, map, array)."""
    fd = os.memfd_create("mask", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, int(np.prod(shape)) * np.dtype(dtype).itemsize)
    memory = mmap.mmap(fd, 0)
    return fd, memory, np.frombuffer(memory, dtype).reshape(shape)


def ask(connection, message, fds=()):
    text = json.dumps(message).encode()
    if fds:
        socket.send_fds(connection, [text], fds)
    else:
        connection.send(text)
    text, fds, _, _ = socket.recv_fds(connection, ANSWER_BYTES, 1)
    if fds:
        with os.fdopen(fds[0], "rb", buffering=0) as file:
            text = os.pread(file.fileno(), json.loads(text)["byte_size"], 0)
    answer = json.loads(text)
    if not answer["ok"]:
        sys.exit(answer["detail"])
    return answer


def view(place, array, parent):
    """The source for a part of a larger array that has been handed over."""
    return {**place, "dtype": array.dtype.name, "shape": array.shape, "strides": array.strides,
            "offset": array.ctypes.data - parent.ctypes.data}


def main():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(sys.argv[1])

    # A batch [case, prediction or reference, z, y, x], scored in one message.
    fd, memory, batch = shared_array((4, 2, 32, 64, 64), np.uint8)
    for case in range(4):
        batch[case, 0, 8:24, 16:48, 16:48] = 1
        batch[case, 1, 8 + case:24 + case, 16:48, 16:48] = 1
    answer = ask(connection, {"op": "score", "labels": [1], "pairs": [
        {"prediction": view({"fd": 0}, case[0], batch),
         "reference": view({"fd": 0}, case[1], batch)} for case in batch]}, [fd])
    print("dice", *("%.4f" % one["classes"][0]["dice"] for one in answer["results"]))

    # A reference that stays: sealed, so that it is mapped once and counted where it is.
    reference_fd, reference_memory, reference = shared_array((32, 64, 64), np.uint8)
    reference[...] = batch[0, 1]
    del reference  # nobody may have it mapped for writing any more
    reference_memory.close()
    fcntl.fcntl(reference_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
    handle = ask(connection, {"op": "register"}, [reference_fd])
    answer = ask(connection, {
        "op": "score", "prediction": view({"fd": 0}, batch[0, 0], batch),
        "reference": {"handle": handle["handle"], "dtype": "uint8", "shape": [32, 64, 64]}}, [fd])
    print(handle["mode"], "dice %.4f" % answer["classes"][0]["dice"])

    del batch, case  # the handle ends with the connection
    memory.close()
    connection.close()


if __name__ == "__main__":
    main()
