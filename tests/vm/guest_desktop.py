# SPDX-License-Identifier: MIT
"""A desktop session in the virtual machine, as a display manager opens one: PAM, logind, the user's own systemd and session
bus, an X server (Xvfb), graphical-session.target, and dunst, which the session bus starts. Used by guest.py.

Needs dbus-user-session, libpam-systemd, xvfb and dunst, and screen.py beside it."""

import pwd
import re
import threading
import time
from pathlib import Path

import dbus

import tap
from guest_tools import LIMIT_S, Listener, run, unit_properties
from screen import Screen

SERVICE = 'crampd-test-desktop'
AGENT = 'cramp-notify.service'
NOTIFICATIONS = 'org.freedesktop.Notifications'
LOGIND = 'org.freedesktop.login1'

# Colours that stand for nothing else, and a line through the middle of dunst's first notice.
CRITICAL, LOW = 0xc80000, 0x106030
WIDTH, HEIGHT = 800, 600
LINE = {'left': WIDTH - 420, 'top': 40, 'width': 400, 'height': 1}
# Between two looks at the screen: as exactly as its time is known.
LOOK_S = 0.01

PAM = '@include common-account\n@include common-session\n'
# What a display manager does for who has logged in. logind is up before anybody can.
LOGIN = f'''[Unit]
Wants=systemd-logind.service
After=systemd-logind.service
[Service]
User={{user}}
PAMName={SERVICE}
Environment=XDG_SESSION_TYPE=x11 XDG_SESSION_CLASS=user XDG_SEAT=seat0 XDG_VTNR=7
ExecStart=/bin/sh /etc/{SERVICE}.sh
'''
# What the desktop's own first program does: it has the screen, and hands over to the user's systemd.
LEADER = f'''\
rm -f "$XDG_RUNTIME_DIR/ready" "$XDG_RUNTIME_DIR/display"
mkfifo "$XDG_RUNTIME_DIR/ready"
Xvfb -displayfd 3 -screen 0 {WIDTH}x{HEIGHT}x24 -nolisten tcp 3>"$XDG_RUNTIME_DIR/ready" &
server=$!
trap 'systemctl --user stop graphical-session.target; kill $server' TERM
read -r number <"$XDG_RUNTIME_DIR/ready"
export DISPLAY=":$number"
systemctl --user import-environment DISPLAY
systemctl --user start {SERVICE}.target
# A first notice, as desktops have one: dunst is started, and has loaded its fonts, before it matters.
busctl --user call {NOTIFICATIONS} /org/freedesktop/Notifications {NOTIFICATIONS} Notify \\
        'susssasa{{sv}}i' desktop 0 '' Welcome '' 0 0 1000 &
echo "$number" >"$XDG_RUNTIME_DIR/display.new"
mv "$XDG_RUNTIME_DIR/display.new" "$XDG_RUNTIME_DIR/display"
wait
wait
'''
TARGET = '''[Unit]
BindsTo=graphical-session.target
Wants=graphical-session-pre.target xdg-desktop-autostart.target
After=graphical-session-pre.target
'''
# Between two logins the user's systemd stays: what became of a unit can be asked.
LOGIND_CONF = '[Login]\nUserStopDelaySec=10min\n'
DUNSTRC = f'''[global]
    font = DejaVu Sans 10
    width = 400
    height = 300
    origin = top-right
    offset = 10x10
    icon_position = off
    format = "<b>%s</b>\\\\n%b"
[urgency_critical]
    background = "#{CRITICAL:06x}"
[urgency_low]
    background = "#{LOW:06x}"
'''


class Message:
    """One of those that dbus-monitor has printed: when it went over the bus, and its arguments as they were printed."""

    def __init__(self, header, lines):
        self.time_s = float(re.search(r' time=([0-9.]+)', header)[1])
        self.member = re.search(r'; member=(\w+)', header)[1]
        self.text = '\n'.join(lines)

    def number(self):
        """The first unsigned argument: of Notify(), the notice that this one replaces."""
        return int(re.search(r'^   uint32 (\d+)', self.text, re.MULTILINE)[1])


class BusMonitor(Listener):
    """dbus-monitor for messages that match a rule, on `--system` or, in a session of the user's, on `--session`."""

    def __init__(self, user, runtime, which, rule):
        super().__init__(user, 'env', f'XDG_RUNTIME_DIR={runtime}', 'dbus-monitor', which, rule)
        # With that it hears all that comes.
        self.wait_message('NameLost')

    def messages(self):
        lines = self.lines()
        headers = [(number, line) for number, line in enumerate(lines)
                   if re.match(r'(signal|method call) time=', line)]
        ends = [number for number, _ in headers[1:]] + [len(lines)]
        return [Message(line, lines[number + 1:end]) for (number, line), end in zip(headers, ends)]

    def wait_message(self, member, holds='', after_s=0.0):
        """The first such message whose printed arguments hold that text."""
        def found():
            return [message for message in self.messages()
                    if message.member == member and holds in message.text and message.time_s > after_s]
        return tap.wait_until(found, LIMIT_S, f'{member} {holds}')[0]


class Desktop:
    def __init__(self, user):
        self.user = user
        self.uid = pwd.getpwnam(user).pw_uid
        self.runtime = Path(f'/run/user/{self.uid}')
        self.bus = None
        self.screen = None
        self.home = Path(pwd.getpwnam(user).pw_dir)
        for path, text in ((f'/etc/pam.d/{SERVICE}', PAM), (f'/etc/{SERVICE}.sh', LEADER),
                           (f'/etc/systemd/system/{SERVICE}.service', LOGIN.format(user=user)),
                           (f'/etc/systemd/user/{SERVICE}.target', TARGET),
                           (f'/etc/systemd/logind.conf.d/{SERVICE}.conf', LOGIND_CONF),
                           (self.home / '.config/dunst/dunstrc', DUNSTRC)):
            self.write(Path(path), text)

    def write(self, path, text):
        """What lies at home becomes the user's."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        if path.is_relative_to(self.home):
            run('chown', '-R', f'{self.user}:', str(self.home))

    def run(self, *command):
        """As from a terminal of the session."""
        return run('env', f'XDG_RUNTIME_DIR={self.runtime}', *command, user=self.user)

    def systemctl(self, *arguments):
        return self.run('systemctl', '--user', *arguments)

    def unit(self, *properties, name=AGENT):
        show = ('env', f'XDG_RUNTIME_DIR={self.runtime}', 'systemctl', '--user')
        return unit_properties(name, *properties, show=show, user=self.user)

    def is_active(self, name=AGENT):
        return self.unit('ActiveState', name=name)['ActiveState'] == 'active'

    def login_begin(self):
        (self.runtime / 'display').unlink(missing_ok=True)
        run('systemctl', 'start', '--no-block', SERVICE)

    def login_wait(self):
        display = self.runtime / 'display'
        tap.wait_until(display.exists, LIMIT_S * 2, 'the session')
        self.screen = Screen(':' + display.read_text(encoding='ascii').strip()).__enter__()
        self.bus = BusMonitor(self.user, self.runtime, '--session', f"type='method_call',interface='{NOTIFICATIONS}'")

    def logout(self):
        self.screen.__exit__()
        run('systemctl', 'stop', SERVICE)
        self.bus.stop()

    def wait_notice(self, holds, after_s=0.0):
        return self.bus.wait_message('Notify', holds, after_s)

    def session(self):
        """logind's word for the only session of this user."""
        bus = dbus.SystemBus()
        manager = dbus.Interface(bus.get_object(LOGIND, '/org/freedesktop/login1'), f'{LOGIND}.Manager')
        (_, _, _, seat, path), = (session for session in manager.ListSessions() if session[1] == self.uid)
        assert seat == 'seat0', seat
        return bus.get_object(LOGIND, path)

    def session_type(self):
        return str(self.session().Get(f'{LOGIND}.Session', 'Type', dbus_interface='org.freedesktop.DBus.Properties'))

    def lock(self, locked):
        """As a screen locker tells it."""
        self.session().SetLockedHint(locked, dbus_interface=f'{LOGIND}.Session')

    def watch_colour(self, colour):
        """Looks for it from now on; returns what waits until it was there, and tells when that was (time.time())."""
        seen_s = []

        def look():
            self.screen.wait_colour(colour, limit_s=LIMIT_S * 2, pause_s=LOOK_S, **LINE)
            seen_s.append(time.time())
        thread = threading.Thread(target=look, daemon=True)
        thread.start()

        def result():
            thread.join(LIMIT_S)
            assert seen_s, f'{colour:06x} did not come'
            return seen_s[0]
        return result
