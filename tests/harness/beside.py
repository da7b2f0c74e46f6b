"""Threads that run beside a test, in a `with`."""

import threading

END_SECONDS = 60  # for what a thread waits for at the end


class Beside:
    """Starts its `threads`, and has them end by `stopping`; they are there once a subclass has made them."""

    threads: list[threading.Thread]

    def __init__(self):
        self.stopping = threading.Event()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive(), "a writer waits for an answer for ever"
