#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Callers as no honest client is, on the bus at DBUS_SYSTEM_BUS_ADDRESS: they call crampd without end, or never read what
they are answered. They speak D-Bus over sockets of their own, for a library would read.

    crowd.py deaf N     N connections call Introspect() and read nothing, until crampd answers nobody any more, or 3000
                        calls each were made; then prints how many in all
    crowd.py flood N    N connections call Introspect() and want no reply; prints when the socket was full once
    crowd.py eager N    at most N Ping() calls on one connection, 50 under way at once, until one is refused; prints how
                        many were answered and refused

All print READY first and one JSON object a line, and end with their input. Used by tests/bus/test-crowd.py."""

import json
import os
import select
import socket
import struct
import sys

BUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
ROOT = '/org/crampd1'
METHOD_CALL, METHOD_RETURN, ERROR = 1, 2, 3
NO_REPLY = 1
DEAF_MAX = 3000
UNDER_WAY = 50
SILENCE_S = 2


def align(data, size):
    return data + bytes(-len(data) % size)


def string(value):
    return struct.pack('<I', len(value)) + value.encode() + b'\0'


def call(serial, destination, path, interface, member, flags=0):
    fields = b''
    for code, kind, value in ((1, 'o', path), (2, 's', interface), (3, 's', member), (6, 's', destination)):
        fields = align(fields, 8) + bytes([code, 1]) + kind.encode() + b'\0' + string(value)
    head = struct.pack('<cBBBIII', b'l', METHOD_CALL, flags, 1, 0, serial, len(fields))
    return align(head + fields, 8)


def introspect(serial, flags=0):
    return call(serial, 'org.crampd1', ROOT, 'org.freedesktop.DBus.Introspectable', 'Introspect', flags)


def ping(serial):
    return call(serial, 'org.crampd1', ROOT, 'org.freedesktop.DBus.Peer', 'Ping')


class Caller:
    def __init__(self):
        address = os.environ['DBUS_SYSTEM_BUS_ADDRESS'].split('path=')[1].split(',')[0]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address)
        self.socket.sendall(b'\0AUTH EXTERNAL ' + str(os.getuid()).encode().hex().encode() + b'\r\n')
        assert self.socket.recv(1000).startswith(b'OK')
        self.socket.sendall(b'BEGIN\r\n' + call(1, *BUS, 'Hello'))
        self.rest = b''
        while not self.read(SILENCE_S):
            pass

    def read(self, limit_s):
        """The kinds of the messages that have come; None when there was none within the limit."""
        if not select.select([self.socket], [], [], limit_s)[0]:
            return None
        self.rest += self.socket.recv(1 << 16)
        kinds = []
        while len(self.rest) >= 16:
            kind, body, fields = self.rest[1], *struct.unpack('<I4xI', self.rest[4:16])
            size = 16 + fields + -fields % 8 + body
            if len(self.rest) < size:
                break
            kinds.append(kind)
            self.rest = self.rest[size:]
        return kinds

    def answers(self, limit_s):
        """Whether crampd answers a Ping()."""
        self.socket.sendall(ping(2))
        while (kinds := self.read(limit_s)) is not None:
            if METHOD_RETURN in kinds or ERROR in kinds:
                return True
        return False


def say(**event):
    print(json.dumps(event), flush=True)


def deaf(callers):
    control, calls = Caller(), 0
    batch = b''.join(introspect(serial) for serial in range(10, 30))
    while calls < DEAF_MAX and control.answers(SILENCE_S):
        for caller in callers:
            caller.socket.sendall(batch)
        calls += 20
    say(event='called', calls=calls * len(callers))
    sys.stdin.read()


def flood(callers, message):
    for caller in callers:
        caller.socket.setblocking(False)
    batch, full, rests = 50 * message, False, [b''] * len(callers)
    while True:
        ready, writable, _ = select.select([sys.stdin], [c.socket for c in callers], [], 0 if not full else 1)
        if ready:
            return
        for number, caller in enumerate(callers):
            try:
                rest = rests[number] or batch
                rests[number] = rest[caller.socket.send(rest):]
            except BlockingIOError:
                if not full:
                    say(event='full')
                full = True


def eager(caller, calls):
    returned = refused = sent = 0
    while returned + refused < sent or (sent < calls and not refused):
        while sent < calls and not refused and sent - returned - refused < UNDER_WAY:
            caller.socket.sendall(ping(sent + 2))
            sent += 1
        kinds = caller.read(SILENCE_S)
        if kinds is None:
            break
        returned += kinds.count(METHOD_RETURN)
        refused += kinds.count(ERROR)
    say(event='answered', returned=returned, refused=refused, unanswered=sent - returned - refused)
    sys.stdin.read()


def main():
    how, number = sys.argv[1], int(sys.argv[2])
    print('READY', flush=True)
    if how == 'eager':
        eager(Caller(), number)
        return
    callers = [Caller() for _ in range(number)]
    if how == 'deaf':
        deaf(callers)
    else:
        flood(callers, introspect(9, NO_REPLY))


if __name__ == '__main__':
    main()
