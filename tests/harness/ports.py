"""Ports of the loopback address, for programs that a test starts, perhaps more than once."""

import socket

held: list[socket.socket] = []  # until the process ends


def free_port() -> int:
    """
    A port that is given to nobody else. A socket that is bound to it, and does not listen, keeps the kernel from choosing
    it again, and lets a program have it that sets SO_REUSEADDR, as servers do (socket(7)).
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    held.append(place)
    return place.getsockname()[1]
