# SPDX-License-Identifier: MIT
"""Runs tests/bus/mock-bluez.py on the bus at DBUS_SYSTEM_BUS_ADDRESS, with sensors of the open profile:

    with MockBluez(['C0:00:00:00:00:01'], description) as mock:
        mock.order('load', file=..., interval_ms=10)
        mock.wait('call', member='Connect')

On a good end it checks that nothing was done that must never be done (StartNotify first of all)."""

import json
import os
import sys

import packets
from lines import LineProcess

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'bus', 'mock-bluez.py')


class MockBluez(LineProcess):
    def __init__(self, addresses, description, *options):
        command = [sys.executable, PROGRAM, '--service', packets.SERVICE, '--description', packets.DESCRIPTION,
                   '--notify', packets.SAMPLES, '--control', packets.CONTROL, '--description-value',
                   description.hex(), '--start', packets.START.hex(), '--stop', packets.STOP.hex(), *options]
        for address in addresses:
            command += ['--address', address]
        super().__init__(command)

    def order(self, command, **arguments):
        """Sends a command and waits until the mock has carried it out."""
        self.send(json.dumps({'cmd': command, **arguments}))
        mark = self._next
        self.wait('done', cmd=command)
        self._next = mark  # what it caused may still be waited for

    def status(self):
        self.send(json.dumps({'cmd': 'status'}))
        return self.wait('status')

    def end(self, *arguments):
        status = self.status()
        super().end(*arguments)
        assert not status['complaints'], status['complaints']
        assert status['dropped'] == 0, f'{status["dropped"]} packets were not taken in time'
