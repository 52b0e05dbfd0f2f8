# SPDX-License-Identifier: MIT
"""A screen that nobody sees: an X server (Xvfb), what is on it, and pictures of it. For tests of what people would see.

    with Screen() as screen:        # DISPLAY points at it, here and in child processes
        screen.wait_colour(0xc80000)

Screen(':0') looks at the screen of a server that runs already.

Needs Xvfb, libX11 (by ctypes) and, for pictures, imagemagick's import."""

import array
import ctypes
import os
import select
import subprocess
import time

from privatebus import die_with_parent

WIDTH, HEIGHT = 1024, 768
ALL_PLANES, Z_PIXMAP = ctypes.c_ulong(-1), 2


class _Image(ctypes.Structure):
    """The beginning of XImage, of which only these are looked at."""
    _fields_ = [('width', ctypes.c_int), ('height', ctypes.c_int), ('xoffset', ctypes.c_int), ('format', ctypes.c_int),
                ('data', ctypes.POINTER(ctypes.c_char)), ('byte_order', ctypes.c_int), ('bitmap_unit', ctypes.c_int),
                ('bitmap_bit_order', ctypes.c_int), ('bitmap_pad', ctypes.c_int), ('depth', ctypes.c_int),
                ('bytes_per_line', ctypes.c_int), ('bits_per_pixel', ctypes.c_int)]


class Screen:
    def __init__(self, name=None):
        self._name = name
        self.process = None

    def __enter__(self):
        self._old = os.environ.get('DISPLAY')
        os.environ['DISPLAY'] = self._name or self._start()
        self._open()
        return self

    def _start(self):
        """Returns the new server's name."""
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            ['Xvfb', '-displayfd', str(writer), '-screen', '0', f'{WIDTH}x{HEIGHT}x24', '-nolisten', 'tcp'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[writer],
            preexec_fn=die_with_parent)
        os.close(writer)
        # The number is written when the server listens, and a line end after it.
        number = ''
        while not number.endswith('\n') and select.select([reader], [], [], 30)[0]:
            said = os.read(reader, 16).decode()
            number = number + said if said else 'nothing\n'
        os.close(reader)
        number = number.strip()
        if not number.isdigit():
            self.process.kill()
            raise RuntimeError('Xvfb did not start')
        return f':{number}'

    def __exit__(self, *_):
        self._x.XCloseDisplay(self._display)
        if self._old is None:
            del os.environ['DISPLAY']
        else:
            os.environ['DISPLAY'] = self._old
        if self.process:
            self.process.terminate()
            self.process.wait()

    def _open(self):
        self._x = x = ctypes.CDLL('libX11.so.6')
        x.XOpenDisplay.restype = ctypes.c_void_p
        x.XDefaultRootWindow.restype = ctypes.c_ulong
        x.XDefaultRootWindow.argtypes = x.XCloseDisplay.argtypes = [ctypes.c_void_p]
        x.XGetImage.restype = ctypes.POINTER(_Image)
        x.XGetImage.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
                                ctypes.c_ulong, ctypes.c_int]
        x.XDestroyImage.argtypes = [ctypes.POINTER(_Image)]
        self._display = x.XOpenDisplay(None)
        if not self._display:
            raise RuntimeError('the X server cannot be reached')
        self._root = x.XDefaultRootWindow(self._display)

    def pixels(self, left=0, top=0, width=WIDTH, height=HEIGHT):
        """What is to be seen there: 4 bytes a pixel, blue first."""
        image = self._x.XGetImage(self._display, self._root, left, top, width, height, ALL_PLANES, Z_PIXMAP)
        assert image and image.contents.bits_per_pixel == 32 and image.contents.byte_order == 0
        data = ctypes.string_at(image.contents.data, image.contents.bytes_per_line * height)
        self._x.XDestroyImage(image)
        return data

    def count(self, colour, **where):
        """How many pixels of that colour (0xrrggbb) there are."""
        pixels = array.array('I', self.pixels(**where))
        # The fourth byte is what a window has for opaque.
        return pixels.count(colour) + pixels.count(0xff000000 | colour)

    def wait_colour(self, colour, there=True, limit_s=20, pixels=1, pause_s=0, **where):
        """Looks until that colour is there, or gone; returns when that was (CLOCK_MONOTONIC)."""
        end = time.monotonic() + limit_s
        while True:
            found = self.count(colour, **where) >= pixels
            now = time.monotonic()
            if found == there:
                return now
            if now > end:
                raise AssertionError(f'waited {limit_s} s in vain for {colour:06x} to {"come" if there else "go"}')
            time.sleep(pause_s)

    @staticmethod
    def picture(path):
        subprocess.run(['import', '-window', 'root', str(path)], check=True, timeout=60, stdin=subprocess.DEVNULL)
