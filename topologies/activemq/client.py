# SPDX-License-Identifier: Apache-2.0
"""Sends numbered messages to a queue at a set rate, and receives them.

A message counts as acknowledged when the broker has confirmed its receipt; until then it is sent again, under the
same number. Every attempt and every arrival is reported as an event, on the descriptor that UNDERSTUDY_EVENTS_FD
names (standard output without it). SIGTERM: no more is sent, what is outstanding is received for DRAIN_S at most.

Environment: BROKER (host:port), RATE_PER_S, TIMEOUT_S.
"""

import json
import os
import re
import signal
import sys
import threading
import time

import stomp

QUEUE = "/queue/rehearsal"
DRAIN_S = 8
HEARTBEAT_MS = 1000


def reason_of(error):
    if isinstance(error, stomp.exception.ConnectFailedException):
        return "the broker can't be reached"
    if isinstance(error, stomp.exception.NotConnectedException):
        return "the connection is gone"
    return str(error) or repr(error)


class Events:
    def __init__(self):
        self.descriptor = int(os.environ.get("UNDERSTUDY_EVENTS_FD", "1"))
        self.lock = threading.Lock()

    def report(self, event, detail, **attributes):
        line = json.dumps({"source": "client", "event": event, "detail": detail, "attributes": attributes})
        with self.lock:
            os.write(self.descriptor, (line + "\n").encode())


class Session(stomp.ConnectionListener):
    """One connection. `broker` is the host that answered: ActiveMQ's session id begins with its name."""

    def __init__(self, address, timeout, on_message=None):
        self.broker = ""
        self.handle = on_message
        self.receipts = set()
        self.failed = None
        self.changed = threading.Condition()
        self.connection = stomp.Connection12([address], timeout=timeout, reconnect_attempts_max=1,
                                             heartbeats=(HEARTBEAT_MS, HEARTBEAT_MS))
        self.connection.set_listener("", self)
        try:
            self.connection.connect(wait=False)
            self.wait(lambda: self.broker, timeout, "no answer to CONNECT")
        except Exception:
            self.close()
            raise

    def on_connected(self, frame):
        match = re.match(r"ID:(.+)-\d+-\d+-\d+:\d+", frame.headers.get("session", ""))
        self.tell("broker", match.group(1) if match else "unknown")

    def on_receipt(self, frame):
        with self.changed:
            self.receipts.add(frame.headers["receipt-id"])
            self.changed.notify_all()

    def on_message(self, frame):
        if self.handle:
            self.handle(self, frame)

    def on_error(self, frame):
        self.tell("failed", frame.headers.get("message", "the broker refused"))

    def on_disconnected(self):
        self.tell("failed", "the connection was closed")

    def on_heartbeat_timeout(self):
        self.tell("failed", "the broker is silent")

    def tell(self, name, value):
        with self.changed:
            setattr(self, name, value)
            self.changed.notify_all()

    def wait(self, done, timeout, otherwise):
        with self.changed:
            self.changed.wait_for(lambda: done() or self.failed, timeout)
            if not done():
                raise TimeoutError(self.failed or otherwise)

    def close(self):
        threading.Thread(target=self.drop, daemon=True).start()  # it may wait for a dead peer

    def drop(self):
        try:
            self.connection.transport.stop()
        except Exception:
            pass


class Client:
    def __init__(self):
        host, port = os.environ["BROKER"].rsplit(":", 1)
        self.address = (host, int(port))
        self.period = 1 / float(os.environ["RATE_PER_S"])
        self.timeout = float(os.environ["TIMEOUT_S"])
        self.events = Events()
        self.stopping = threading.Event()
        self.done = threading.Event()
        self.lock = threading.Lock()
        self.arrived = set()
        self.outstanding = set()  # acknowledged, not received yet

    def send(self):
        session, number = None, 0
        while not self.stopping.is_set():
            number += 1
            acknowledged = False
            while not acknowledged and not self.stopping.is_set():
                began = time.monotonic()
                try:
                    session = session or Session(self.address, self.timeout)
                    self.send_one(session, str(number))
                    acknowledged = True
                    self.attempt(began, number, "acknowledged", session.broker, "")
                except Exception as error:  # whatever it is, the message isn't acknowledged
                    self.attempt(began, number, "failed", session.broker if session else "", reason_of(error))
                    if session:
                        session.close()
                    session = None
                self.stopping.wait(max(0, began + self.period - time.monotonic()))
        if session:
            session.close()

    def send_one(self, session, number):
        receipt = f"r{number}-{time.monotonic_ns()}"
        session.connection.send(QUEUE, number, headers={"persistent": "true", "receipt": receipt})
        session.wait(lambda: receipt in session.receipts, self.timeout, "no receipt")
        session.receipts.discard(receipt)
        with self.lock:
            if number not in self.arrived:  # a message may overtake its own receipt
                self.outstanding.add(number)

    def attempt(self, began, number, outcome, broker, reason):
        attributes = {"id": str(number), "outcome": outcome, "started_ms_ago": int((time.monotonic() - began) * 1000)}
        if broker:
            attributes["broker"] = broker
        if reason:
            attributes["reason"] = reason
        self.events.report("attempt", f"message {number} {outcome}" + (f": {reason}" if reason else ""), **attributes)

    def receive(self):
        while not self.done.is_set():
            session = None
            try:
                session = Session(self.address, self.timeout, self.received)
                session.connection.subscribe(QUEUE, id=1, ack="client-individual")
                session.wait(self.done.is_set, None, "")
            except Exception as error:
                print(f"receiver: {reason_of(error)}", file=sys.stderr, flush=True)
                self.done.wait(0.2)
            if session:
                session.close()

    def received(self, session, frame):
        self.events.report("message_received", f"message {frame.body} from {session.broker}", id=frame.body,
                           broker=session.broker)
        session.connection.ack(frame.headers["ack"])
        with self.lock:
            self.arrived.add(frame.body)
            self.outstanding.discard(frame.body)

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: self.stopping.set())
        signal.signal(signal.SIGINT, lambda *_: self.stopping.set())
        sender = threading.Thread(target=self.send)
        receiver = threading.Thread(target=self.receive, daemon=True)
        sender.start()
        receiver.start()
        self.stopping.wait()
        sender.join()
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            with self.lock:
                if not self.outstanding:
                    break
            time.sleep(0.05)
        self.done.set()


if __name__ == "__main__":
    Client().run()
