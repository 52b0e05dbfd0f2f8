# SPDX-License-Identifier: MIT
"""cramp-notify as a black box, between a fake crampd and a fake desktop: what is shown, when, to whom, and what comes back.
CRAMP_NOTIFY names the program, WRAPPER what to run it under (valgrind)."""

import contextlib
import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from fakecrampd import EPISODES, RELIEF, SENSORS, FakeCrampd
from fakedesktop import FakeDesktop
from privatebus import PrivateBus, die_with_parent

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
PROGRAM = os.environ['CRAMP_NOTIFY']
LIMIT_S = 60  # valgrind, on a loaded machine

LOW, NORMAL, CRITICAL = 0, 1, 2
ACTIONS = {'confirmed': 'It was a cramp', 'false-alarm': 'False alarm', 'what-helps': 'What helps'}
STEPS = ''.join(f'\n{number}. {step}' for number, step in enumerate(RELIEF, 1))
PLACE = 'left gastrocnemius-medialis, moderate'


def buses():
    stack = contextlib.ExitStack()
    stack.enter_context(PrivateBus())
    stack.enter_context(PrivateBus(variable='DBUS_SESSION_BUS_ADDRESS'))
    return stack


def hours(begin_h, end_h):
    """So many hours before and after now, UTC."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return '-'.join((now + datetime.timedelta(hours=h)).strftime('%H:%M') for h in (begin_h, end_h))


NOW, NOT_NOW = hours(-2, 2), hours(2, 4)


class Agent:
    """A running cramp-notify, with the fakes around it; `ready` when it has subscribed and knows the server."""

    def __init__(self, *options, fake=None, desktop=None, wait=True, code=0, env=None):
        self.fake, self.desktop, self.wait, self.code = fake, desktop, wait, code
        self.err = tempfile.TemporaryFile()
        environment = {name: value for name, value in os.environ.items() if not name.startswith('LC_')}
        environment |= {'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', **(env or {})}
        self.before = desktop.do('asked') if desktop and desktop.process else 0
        self.process = subprocess.Popen([*WRAPPER, PROGRAM, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.err, env=environment, preexec_fn=die_with_parent)

    def __enter__(self):
        if self.wait:
            # The list of sensors is the last that it asks for at the start.
            wait(lambda: self.process.poll() is not None or
                 any(call['member'] == 'ListSensors' for call in self.fake.do('calls')), 'the agent to be ready')
            wait(lambda: self.desktop.do('asked') > self.before, 'the server to be asked')
        return self

    def __exit__(self, kind, *_):
        if kind is None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        elif self.process.poll() is None:
            self.process.kill()
        status = self.process.wait(LIMIT_S)
        self.process.stdout.close()
        if kind is None:
            assert status == self.code, f'exit {status}: {self.said()}'
        else:
            tap.note(self.said())
        self.err.close()

    def said(self):
        # Not by the file's own position: it is the agent's, too, and what that writes meanwhile would be lost.
        return os.pread(self.err.fileno(), os.fstat(self.err.fileno()).st_size, 0).decode()


class Fakes:
    """Both fakes, on buses of their own. They outlast a case, for they take longer to start than most cases last."""

    running = None

    @classmethod
    @contextlib.contextmanager
    def borrow(cls):
        if cls.running is None:
            stack = buses()
            cls.running = stack, FakeCrampd(), FakeDesktop()
        for fake in cls.running[1:]:
            if fake.process is None:
                fake.start()
            fake.do('reset')
        yield cls.running[1:]

    @classmethod
    def end(cls):
        if cls.running is not None:
            for fake in cls.running[1:]:
                fake.kill()
            cls.running[0].close()
            cls.running = None


@contextlib.contextmanager
def agent(*options, **more):
    with Fakes.borrow() as (fake, desktop), Agent(*options, fake=fake, desktop=desktop, **more) as running:
        yield fake, desktop, running


def wait(condition, what):
    return tap.wait_until(condition, limit_s=LIMIT_S, what=what)


def shown(desktop, count, index=-1):
    """That notice, when there are as many."""
    wait(lambda: len(desktop.notices()) >= count, f'{count} notices')
    notices = desktop.notices()
    assert len(notices) == count, (count, notices)
    return notices[index]


def settle(fake, desktop, count):
    """Everything that was sent before is done with: a warning sent after it has come up, and there are `count` notices."""
    fake.do('signal', member='SensorWarning', warning='settled', details={'hours': None, 'percent': None},
            path='/org/crampd1/sensor/last')
    wait(lambda: any(notice['body'] == 'settled' for notice in desktop.notices()), 'the last notice')
    shown(desktop, count)


def calls(fake, member):
    return wait(lambda: [call['args'] for call in fake.do('calls') if call['member'] == member], member)


# --- one alert, from its beginning to its end ---


def test_alert():
    with agent() as (fake, desktop, running):
        fake.do('signal', member='AlertRaised', details={'simulated': False})
        first = shown(desktop, 1)
        assert first['replaces'] == 0 and first['app'] == 'crampd' and first['expire'] == 0, first
        assert first['summary'] == 'Leg cramp: left calf', first
        assert first['body'].startswith(f'{PLACE}, since 02:14') and first['body'].endswith(STEPS), first
        assert first['actions'] == ACTIONS, first
        assert first['hints'] == {'urgency': CRITICAL, 'category': 'x-crampd.cramp', 'desktop-entry': 'cramp-notify',
                                  'resident': 1, 'sound-name': 'alarm-clock-elapsed'}, first
        # Graver: in its place, and no second sound for what only changes the wording.
        fake.do('signal', member='AlertUpdated', episode={'severity': 'strong'}, details={'simulated': False})
        second = shown(desktop, 2)
        assert second['replaces'] == second['id'] == first['id'] and ', strong, ' in second['body'], second
        assert 'sound-name' not in second['hints'] and second['hints']['suppress-sound'] == 1, second
        # Other advice is worth a sound.
        fake.do('signal', member='AlertUpdated', relief=['Ten minutes: get medical help now.'], details={'simulated': False})
        third = shown(desktop, 3)
        assert third['replaces'] == first['id'] and third['body'].endswith('\n1. Ten minutes: get medical help now.'), third
        assert third['hints']['sound-name'] == 'alarm-clock-elapsed' and third['hints']['urgency'] == CRITICAL, third
        fake.do('signal', member='AlertEnded', details={'simulated': False})
        last = shown(desktop, 4)
        assert last['replaces'] == first['id'] and last['hints']['urgency'] == LOW and last['expire'] > 0, last
        assert last['summary'] == 'The cramp is over: left calf' and last['body'] == f'{PLACE}, lasted 1:05', last
        assert last['actions'] == ACTIONS and 'sound-name' not in last['hints'], last


def test_ten_minutes():
    with agent() as (fake, desktop, _):
        # Raised twelve minutes ago: told again to a new subscriber.
        now_us = int(datetime.datetime.now().timestamp() * 1e6)
        episode = {'onset_us': now_us - 12 * 60_000_000 - 30_000_000, 'alert_us': now_us - 12 * 60_000_000, 'zone_offset_s': 0}
        fake.do('signal', member='AlertRaised', episode=episode, details={'simulated': False, 'repeated': True})
        notice = shown(desktop, 1)
        assert notice['summary'] == 'Leg cramp for 12 minutes, get help: left calf', notice
        assert '(12 min)' in notice['body'], notice


def test_minutes():
    with agent() as (fake, desktop, _):
        # Told 58 s after its onset: two more make a minute, which is shown in its place and without a sound.
        onset_us = EPISODES[0]['alert_us'] - 58_000_000
        fake.do('signal', member='AlertRaised', episode={'onset_us': onset_us})
        first = shown(desktop, 1)
        second = shown(desktop, 2)
        assert second['replaces'] == first['id'] and '(1 min)' in second['body'] and 'min)' not in first['body'], second
        assert 'sound-name' not in second['hints'], second


def test_how_it_ends():
    ends = [('subsided', 'The cramp is over', ''), ('signal-lost', 'End of the cramp not seen', 'The sensor&apos;s signal was lost.'),
            ('stream-end', 'End of the cramp not seen', 'The sensor went, or the recording ended.'),
            ('stopped', 'End of the cramp not seen', 'crampd was stopped.')]
    with agent() as (fake, desktop, _):
        for number, (reason, summary, said) in enumerate(ends):
            episode = {'id': reason, 'end_reason': reason}
            fake.do('signal', member='AlertRaised', episode=episode, details={'name': ''})
            fake.do('signal', member='AlertEnded', episode=episode, details={'name': ''})
            notice = shown(desktop, 2 * number + 2)
            assert notice['summary'] == f'SIMULATED: {summary}: left leg' and notice['body'].endswith(said), notice


def test_one_notice_for_one_alert():
    with agent() as (fake, desktop, _):
        for repeated in (False, True, True):
            fake.do('signal', member='AlertRaised', details={'repeated': repeated})
        fake.do('signal', member='AlertEnded')
        # After its end nothing brings it back.
        fake.do('signal', member='AlertUpdated', details={'recorded': True})
        fake.do('signal', member='AlertRaised', details={'repeated': True})
        fake.do('signal', member='AlertEnded')
        # An end of which nobody knows the beginning.
        fake.do('signal', member='AlertEnded', episode={'id': 'unknown'})
        settle(fake, desktop, 3)
        notices = desktop.notices()
        assert sorted(notice['id'] for notice in notices) == [1, 1, 2], notices
        assert [notice['hints'].get('sound-name') for notice in notices] == ['alarm-clock-elapsed', None, None], notices
        assert fake.subscribers() == 1


def test_two_at_once():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        fake.do('signal', member='AlertRaised', episode={'id': 'e9', 'leg': 'right'})
        fake.do('signal', member='AlertEnded')
        last = shown(desktop, 3)
        assert [notice['id'] for notice in desktop.notices()] == [1, 2, 1] and last['hints']['urgency'] == LOW


# --- what the user does ---


def test_confirm():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        # Only the server itself is believed.
        desktop.do('choose', id=notice['id'], key='false-alarm', stranger=True)
        desktop.do('choose', id=77, key='false-alarm')
        desktop.do('choose', id=notice['id'], key='unheard-of')
        desktop.do('choose', id=notice['id'], key='confirmed')
        assert calls(fake, 'Annotate') == [['e1', {'verdict': 'confirmed'}]]
        notice = shown(desktop, 2)
        assert notice['body'].endswith('\nNoted: it was a cramp.') and list(notice['actions']) == ['what-helps'], notice
        assert notice['hints']['urgency'] == CRITICAL, notice
        fake.do('signal', member='AlertEnded')
        assert shown(desktop, 3)['body'].endswith('Noted: it was a cramp.')


def test_false_alarm():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        desktop.do('choose', id=shown(desktop, 1)['id'], key='false-alarm')
        assert calls(fake, 'Annotate') == [['e1', {'verdict': 'false-alarm'}]]
        notice = shown(desktop, 2)
        assert notice['summary'] == 'SIMULATED: No cramp' and notice['hints']['urgency'] == LOW and notice['expire'] > 0, notice
        # No more of it: neither news nor its end.
        fake.do('signal', member='AlertUpdated', relief=['Get help.'])
        fake.do('signal', member='AlertEnded')
        settle(fake, desktop, 3)


def test_annotating_fails():
    with agent() as (fake, desktop, _):
        fake.answer('Annotate', 'error org.crampd1.Error.StoreFailed')
        fake.do('signal', member='AlertRaised')
        # The server closes the notice with the choice; a failure is worth to be seen.
        desktop.do('choose', id=shown(desktop, 1)['id'], key='confirmed', close=True)
        notice = shown(desktop, 2)
        assert notice['body'].endswith('What you said could not be written. Try again.'), notice
        assert notice['actions'] == ACTIONS, notice
        fake.answer('Annotate', None)
        desktop.do('choose', id=notice['id'], key='confirmed')
        assert shown(desktop, 3)['body'].endswith('Noted: it was a cramp.')


def test_crampd_is_slow():
    """Neither the disk nor a crampd that thinks keeps the next alert from the screen."""
    with agent() as (fake, desktop, _):
        fake.answer('Annotate', 'silent')
        fake.answer('Advise', 'silent')
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        desktop.do('choose', id=notice['id'], key='confirmed')
        desktop.do('choose', id=notice['id'], key='what-helps')
        calls(fake, 'Advise')
        fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
        assert shown(desktop, 2)['id'] == 2


def test_what_helps():
    with agent(env={'LC_ALL': '', 'LANGUAGE': '', 'LC_CTYPE': 'C.UTF-8'}) as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        first = shown(desktop, 1)
        desktop.do('choose', id=first['id'], key='what-helps')
        assert calls(fake, 'Advise') == [[{'topic': 'now'}]]
        notice = shown(desktop, 2)
        assert notice['id'] != first['id'] and notice['summary'] == 'What helps', notice
        # Red flags first; nothing that steers a terminal or the server's markup.
        assert notice['body'].startswith('! See a doctor\nSoon.?[31m\nHow much\nword word'), notice
        assert notice['hints']['urgency'] == NORMAL and notice['actions'] == {}, notice
        # Bad answers and none at all are told.
        for number, how in enumerate(('signature', 'items: type text', 'error org.crampd1.Error.StoreFailed'), 3):
            fake.answer('Advise', how)
            desktop.do('choose', id=first['id'], key='what-helps')
            assert 'does not answer' in shown(desktop, number)['body']


def test_dismissed():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        desktop.do('dismiss', id=notice['id'], stranger=True)
        fake.do('signal', member='AlertUpdated', episode={'severity': 'mild'})
        shown(desktop, 2)
        desktop.do('dismiss', id=notice['id'])
        desktop.do('saver', active=False)
        # Gone is gone, but for what matters: get help, and the end.
        fake.do('signal', member='AlertUpdated', episode={'severity': 'strong'})
        settle(fake, desktop, 3)
        fake.do('signal', member='AlertUpdated', relief=['Get help.'])
        again = shown(desktop, 4)
        assert again['replaces'] == 0 and 'Get help.' in again['body'] and again['hints']['sound-name'], again
        desktop.do('dismiss', id=again['id'])
        fake.do('signal', member='AlertEnded')
        assert shown(desktop, 5)['hints']['urgency'] == LOW


# --- what servers can do ---


def test_plain_server():
    """No actions, no sound, no markup: nothing of it is asked for."""
    with Fakes.borrow() as (fake, desktop):
        desktop.do('set', key='capabilities', value=['body'])
        with Agent(fake=fake, desktop=desktop):
            fake.do('signal', member='AlertRaised', relief=['<b>Sit</b> & "wait".'])
            notice = shown(desktop, 1)
            assert notice['actions'] == {} and notice['body'].endswith('\n1. <b>Sit</b> & "wait".'), notice
            assert not {'sound-name', 'suppress-sound', 'resident'} & set(notice['hints']), notice


def test_markup():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised', relief=['<b>Sit</b> & "wait"\'s.', 'a\nb\x1b[2J'],
                details={'name': '<i>left</i>\u009b\n'})
        notice = shown(desktop, 1)
        assert notice['summary'] == 'SIMULATED: Leg cramp: <i>left</i>??', notice
        assert notice['body'].endswith('\n1. &lt;b&gt;Sit&lt;/b&gt; &amp; &quot;wait&quot;&apos;s.\n2. a?b?[2J'), notice


def test_no_capabilities():
    with Fakes.borrow() as (fake, desktop):
        desktop.do('answer', how='no capabilities')
        with Agent(fake=fake, desktop=desktop):
            fake.do('signal', member='AlertRaised')
            assert shown(desktop, 1)['actions'] == {}


def test_texts_without_end():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised', relief=['ä<' * 1300] * 32, details={'name': 'ö' * 2000},
                episode={'leg': 'ü' * 2000})
        notice = shown(desktop, 1)
        assert len(notice['summary'].encode()) < 256 and len(notice['body'].encode()) < 6 * 3072, notice
        fake.do('signal', member='AlertRaised', episode={'id': 'x' * 64})
        settle(fake, desktop, 2)


def test_hostile_crampd():
    with agent() as (fake, desktop, running):
        for how in ('signature', 'type alert_us', 'missing leg', 'huge name'):
            fake.do('signal', member='AlertRaised', how=how)
        fake.do('signal', member='AlertRaised', stranger=True)
        fake.do('signal', member='AlertRaised', path='/elsewhere')
        extreme = {'onset_us': -2**63, 'alert_us': 2**63 - 1, 'end_us': 2**63 - 1}
        fake.do('signal', member='AlertRaised', episode=dict(extreme, id='extreme'))
        fake.do('signal', member='AlertEnded', episode=dict(extreme, id='extreme'))
        shown(desktop, 2)
        # More alerts than anybody has muscles; what is over makes room.
        for number in range(40):
            fake.do('signal', member='AlertRaised', episode={'id': f'n{number}'})
        wait(lambda: running.said().count('too many alerts') == 40 - 32, 'the complaints')
        shown(desktop, 34)
        assert desktop.closed() == [1], desktop.closed()


# --- servers and crampd come and go ---


def test_server_restarts():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        fake.do('signal', member='SensorWarning')
        shown(desktop, 2)
        desktop.kill()
        desktop.start()
        # What holds is shown anew, and nothing is asked to be replaced that the new server does not know.
        shown(desktop, 2)
        notices = desktop.notices()
        assert {notice['replaces'] for notice in notices} == {0}, notices
        alert = next(notice for notice in notices if notice['hints']['urgency'] == CRITICAL)
        assert 'sound-name' not in alert['hints'] and alert['actions'] == ACTIONS, alert
        fake.do('signal', member='AlertEnded')
        assert shown(desktop, 3)['replaces'] == alert['id']


def test_another_server():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        shown(desktop, 1)
        desktop.do('set', key='capabilities', value=['body'])
        desktop.do('release')
        desktop.do('own')
        wait(lambda: len(desktop.notices()) > 1 and desktop.do('asked') == 2, 'the notice')
        notices = desktop.notices()[1:]
        assert notices[0]['replaces'] == 0 and not any(notice['actions'] for notice in notices), notices


def test_no_server_at_first():
    with Fakes.borrow() as (fake, desktop):
        desktop.do('release')
        with Agent(fake=fake, desktop=desktop, wait=False) as running:
            wait(lambda: fake.subscribers() == 1, 'the subscription')
            fake.do('signal', member='AlertRaised')
            wait(lambda: 'could not be shown' in running.said(), 'the complaint')
            desktop.do('own')
            notice = shown(desktop, 1)
            assert notice['actions'] == ACTIONS and notice['hints']['sound-name'], notice


def test_news_while_the_server_thinks():
    with agent() as (fake, desktop, _):
        desktop.do('answer', how='hold')
        fake.do('signal', member='AlertRaised')
        first = shown(desktop, 1)
        for severity in ('strong', 'mild', 'strong'):
            fake.do('signal', member='AlertUpdated', episode={'severity': severity})
        fake.do('signal', member='AlertEnded', episode={'severity': 'strong'})
        # Another one does not wait for the first.
        fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
        shown(desktop, 2)
        desktop.do('release_held')
        # Only the last of the news comes, in the first one's place.
        last = shown(desktop, 3)
        assert last['replaces'] == first['id'] and last['hints']['urgency'] == LOW, last


def test_server_that_fails():
    with agent() as (fake, desktop, running):
        for number, how in enumerate(('error', 'signature', 'zero')):
            desktop.do('answer', how=how)
            fake.do('signal', member='AlertRaised', episode={'id': how})
            shown(desktop, 2 * number + 1)
            desktop.do('answer', how=None)
            # Tried again by itself, with the sound that nobody heard.
            notice = shown(desktop, 2 * number + 2)
            assert notice['hints']['sound-name'], notice


def test_waits_for_crampd():
    with Fakes.borrow() as (fake, desktop):
        fake.kill()
        with Agent(fake=fake, desktop=desktop, wait=False) as running:
            wait(lambda: 'waiting' in running.said(), 'the agent to wait')
            fake.start()
            wait(lambda: fake.subscribers() == 1, 'the subscription')
            fake.do('signal', member='AlertRaised')
            shown(desktop, 1)


def test_crampd_restarts():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised', episode={'id': 'lasts'})
        fake.do('signal', member='AlertRaised', episode={'id': 'ended'})
        shown(desktop, 2)
        fake.kill()
        for notice in (shown(desktop, 4, 2), shown(desktop, 4, 3)):
            assert 'crampd has gone' in notice['body'] and notice['replaces'] in (1, 2), notice
        fake.start()
        wait(lambda: fake.subscribers() == 1, 'the subscription')
        # The new one knows of one of them only.
        fake.do('signal', member='AlertRaised', episode={'id': 'lasts'}, details={'repeated': True})
        notice = shown(desktop, 5)
        assert notice['replaces'] == 1 and 'has gone' not in notice['body'] and 'sound-name' not in notice['hints'], notice
        notice = shown(desktop, 6)
        assert notice['replaces'] == 2 and notice['summary'] == 'SIMULATED: End of the cramp not seen: left calf', notice


def test_refused_and_tried_again():
    with Fakes.borrow() as (fake, desktop):
        fake.answer('Subscribe', 'error org.crampd1.Error.NotAuthorized')
        with Agent(fake=fake, desktop=desktop, wait=False, code=77) as running:
            assert running.process.wait(LIMIT_S) == 77
        fake.answer('Subscribe', 'error org.crampd1.Error.LimitReached')
        with Agent(fake=fake, desktop=desktop, wait=False) as running:
            wait(lambda: 'trying again' in running.said(), 'the complaint')
            fake.answer('Subscribe', None)
            wait(lambda: fake.subscribers() == 1, 'the subscription')


def test_server_that_does_not_tell_what_it_can():
    with Fakes.borrow() as (fake, desktop):
        desktop.do('answer', how='silent')
        with Agent(fake=fake, desktop=desktop):
            fake.do('signal', member='AlertRaised')
            assert shown(desktop, 1)['actions'] == {}


def test_subscribing_keeps_nobody_waiting():
    with Fakes.borrow() as (fake, desktop):
        fake.answer('Subscribe', 'error org.crampd1.Error.LimitReached')
        with Agent(fake=fake, desktop=desktop, wait=False) as running:
            calls(fake, 'Subscribe')
            fake.answer('Subscribe', 'silent')
            calls(fake, 'Subscribe')
            # It ends before that try does.
            running.process.send_signal(signal.SIGTERM)
            running.process.wait(LIMIT_S)
            assert running.said().count('trying again') == 1, running.said()


def test_ends():
    with agent() as (fake, desktop, running):
        fake.do('signal', member='AlertRaised')
        fake.do('signal', member='SensorWarning')
        shown(desktop, 2)
        # Also one that is being shown just now.
        desktop.do('answer', how='hold')
        fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
        shown(desktop, 3)
        running.process.send_signal(signal.SIGTERM)
        wait(lambda: len(desktop.closed()) == 2, 'the notices to be closed')
        desktop.do('release_held')
        assert running.process.wait(LIMIT_S) == 0
        wait(lambda: sorted(desktop.closed()) == [1, 2, 3], 'the notices to be closed')


def test_killed():
    with tempfile.TemporaryDirectory() as runtime:
        env = {'XDG_RUNTIME_DIR': runtime}

        def left():
            return [open(os.path.join(runtime, name), encoding='utf-8').read() for name in os.listdir(runtime)]

        def killed(then, closed):
            """One agent is killed while it shows two notices, something happens, and the next one comes."""
            with agent(env=env, code=-signal.SIGKILL) as (fake, desktop, running):
                fake.do('signal', member='AlertRaised')
                fake.do('signal', member='SensorWarning')
                shown(desktop, 2)
                wait(lambda: left() and left()[0].split()[1:] in (['1', '2'], ['2', '1']), 'the ids')
                assert os.stat(os.path.join(runtime, *os.listdir(runtime))).st_mode & 0o777 == 0o600
                running.process.kill()
                running.process.wait(LIMIT_S)
                then(desktop)
                with Agent(fake=fake, desktop=desktop, env=env):
                    fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
                    number = shown(desktop, 3)['id']
                    wait(lambda: left() and left()[0].split()[1:] == [str(number)], 'the new id')
                    settle(fake, desktop, 4)
                    assert sorted(desktop.closed()) == closed, desktop.closed()
                assert not os.listdir(runtime)

        killed(lambda desktop: None, [1, 2])

        def nonsense(text):
            def write(desktop):
                with open(os.path.join(runtime, *os.listdir(runtime)), 'w', encoding='utf-8') as file:
                    file.write(text)
            return write
        for text in ('', 'no name\n1\n', ':1.99999\n1\n2\n', ':' + 300 * 'n' + '\n1\n', ':1.0', 99 * '1\n'):
            killed(nonsense(text), [])
        owner = []

        def changed(text):
            def write(desktop):
                owner[:] = left()[0].split()[:1]
                nonsense(owner[0] + '\n' + text)(desktop)
            return write
        killed(changed('2\n'), [2])
        for text in ('1\n2', '1\n-2\n', '1\n4294967296\n', '1\n2 \n', '1\n\n', 65 * '1\n'):
            killed(changed(text), [])


def test_a_sample_leaves_the_agents_notices():
    with tempfile.TemporaryDirectory() as runtime:
        env = {'XDG_RUNTIME_DIR': runtime}
        with agent(env=env) as (fake, desktop, _):
            fake.do('signal', member='AlertRaised')
            shown(desktop, 1)
            before = wait(lambda: os.listdir(runtime), 'the ids')
            with Agent('--test', env=env, wait=False):
                wait(lambda: desktop.notices()[-1]['id'] == 2, 'the sample')
            wait(lambda: desktop.closed() == [2], 'the sample to be closed')
            assert os.listdir(runtime) == before


def test_buses_go():
    Fakes.end()
    for number in (0, 1):
        with PrivateBus() as system, PrivateBus(variable='DBUS_SESSION_BUS_ADDRESS') as session, FakeCrampd() as fake, \
                FakeDesktop() as desktop, Agent(fake=fake, desktop=desktop, code=69) as running:
            (system, session)[number].stop()
            assert running.process.wait(LIMIT_S) == 69
            assert 'bus has gone' in running.said()


def test_one_of_a_session():
    with agent() as (fake, desktop, _):
        with Agent(wait=False) as second:
            assert second.process.wait(LIMIT_S) == 0 and 'already' in second.said(), second.said()
        assert fake.subscribers() == 1


# --- privacy and quiet ---


def hidden(notice):
    text = json.dumps([notice['summary'], notice['body'], notice['actions']]).lower()
    return not any(word in text for word in ('cramp', 'leg', 'left', 'calf', 'gastro', 'sit up', 'battery', 'sensor'))


def test_locked_screen():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        shown(desktop, 1)
        desktop.do('choose', id=1, key='what-helps')
        shown(desktop, 2)
        fake.do('signal', member='SensorWarning')
        shown(desktop, 3)
        count = 3
        for lock, unlock in ((('lock', {'locked': True}), ('lock', {'locked': False})),
                             (('saver', {'active': True}), ('saver', {'active': False})),
                             (('saver', {'active': True}), ('saver', {'active': None}))):
            desktop.do(lock[0], **lock[1])
            shown(desktop, count + 3)
            notices = desktop.notices()[count:]
            assert all(hidden(notice) and notice['actions'] == {} for notice in notices), notices
            assert {notice['replaces'] for notice in notices} == {1, 2, 3}, notices
            desktop.do(unlock[0], **unlock[1])
            shown(desktop, count + 6)
            notices = desktop.notices()[count + 3:]
            assert not any(hidden(notice) or 'sound-name' in notice['hints'] for notice in notices), notices
            count += 6
        # An alert on a locked screen is as loud and as urgent as any.
        desktop.do('saver', active=True)
        shown(desktop, count + 3)
        fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
        notice = shown(desktop, count + 4)
        assert hidden(notice) and notice['hints']['sound-name'] and notice['hints']['urgency'] == CRITICAL, notice
        fake.do('signal', member='AlertEnded', episode={'id': 'e9'})
        assert hidden(shown(desktop, count + 5))


def test_strangers_unlock_nothing():
    with agent() as (fake, desktop, _):
        desktop.do('saver', active=True)
        fake.do('signal', member='AlertRaised')
        wait(lambda: desktop.notices() and hidden(desktop.notices()[-1]), 'a hidden notice')
        for _ in range(100):
            desktop.do('saver', active=False, stranger=True)
        fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
        wait(lambda: any(notice['replaces'] == 0 for notice in desktop.notices()[1:]), 'the second alert')
        assert all(hidden(notice) for notice in desktop.notices()[-2:]), desktop.notices()
        # The saver's own word counts, also behind theirs.
        desktop.do('saver', active=False)
        wait(lambda: not hidden(desktop.notices()[-1]), 'the details')


def test_locked_at_the_start():
    with Fakes.borrow() as (fake, desktop):
        desktop.do('lock', locked=True)
        with Agent(fake=fake, desktop=desktop):
            fake.do('signal', member='AlertRaised')
            wait(lambda: desktop.notices() and hidden(desktop.notices()[-1]), 'a hidden notice')
        desktop.do('lock', locked=False)
        desktop.do('saver', active=True)
        with Agent(fake=fake, desktop=desktop):
            fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
            wait(lambda: hidden(desktop.notices()[-1]), 'a hidden notice')


def test_private():
    with agent('--private') as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        assert hidden(notice) and notice['actions'] == {'show': 'Show'}, notice
        # Shown to who asks, but not on a locked screen.
        desktop.do('choose', id=1, key='show')
        assert 'Leg cramp' in shown(desktop, 2)['summary']
        desktop.do('saver', active=True)
        notice = shown(desktop, 3)
        assert hidden(notice) and notice['actions'] == {}, notice
        fake.do('signal', member='SensorWarning')
        assert hidden(shown(desktop, 4))
        desktop.do('saver', active=False)
        shown(desktop, 6)
        desktop.do('choose', id=2, key='show')
        assert 'battery' in shown(desktop, 7)['body']
    with agent('--private=never') as (fake, desktop, _):
        desktop.do('lock', locked=True)
        fake.do('signal', member='AlertRaised')
        assert not hidden(shown(desktop, 1))


def test_quiet_hours():
    with agent('--quiet', NOW) as (fake, desktop, _):
        fake.do('signal', member='SensorWarning')
        fake.do('signal', member='SensorWarning', warning='signal', details={'signal': 'dead', 'percent': None, 'hours': None})
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        assert notice['hints']['sound-name'] and notice['hints']['urgency'] == CRITICAL, notice
        fake.do('signal', member='AlertEnded')
        shown(desktop, 2)
    with agent('--quiet', NOW, '--quiet-alerts') as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        notice = shown(desktop, 1)
        assert 'sound-name' not in notice['hints'] and notice['hints']['urgency'] == CRITICAL, notice
    with agent('--quiet', NOT_NOW, '--quiet-alerts', '--sound', 'bell') as (fake, desktop, _):
        fake.do('signal', member='SensorWarning')
        shown(desktop, 1)
        fake.do('signal', member='AlertRaised')
        assert shown(desktop, 2)['hints']['sound-name'] == 'bell'
    with agent('--sound', 'none') as (fake, desktop, _):
        fake.do('signal', member='AlertRaised')
        assert 'sound-name' not in shown(desktop, 1)['hints']


def before_a_minute():
    """A time zone in which some seconds are left of this minute; the hours that end with it, and those that begin then."""
    seconds = 8 if os.environ.get('WRAPPER') or os.environ.get('TESTS_SLOW') else 3
    now = int(time.time())
    ahead = (60 - seconds - now) % 60
    local = datetime.datetime.fromtimestamp(now + ahead, datetime.timezone.utc)
    before, after, later = ((local + datetime.timedelta(minutes=minutes)).strftime('%H:%M') for minutes in (-60, 1, 61))
    return f'XXX-0:00:{ahead:02}', f'{before}-{after}', f'{after}-{later}'


def test_quiet_hours_end():
    zone, quiet, _ = before_a_minute()
    with agent('--quiet', quiet, env={'TZ': zone}) as (fake, desktop, _):
        # Of what came meanwhile, what still holds is told, once.
        fake.do('signal', member='SensorWarning')
        off = {'signal': 'electrode-off', 'percent': None, 'hours': None, 'over': False}
        for over in (False, True):
            fake.do('signal', member='SensorWarning', warning='signal', details=dict(off, over=over))
        fake.do('signal', member='AlertRaised')
        assert shown(desktop, 1)['hints']['urgency'] == CRITICAL
        assert 'battery' in shown(desktop, 2)['body']


# --- troubles ---


def test_other_leg():
    with agent() as (fake, desktop, _):
        leg = {'leg': 'right', 'percent': None, 'hours': None, 'over': False}
        fake.do('signal', member='SensorWarning', warning='leg', details=leg)
        notice = shown(desktop, 1)
        assert notice['body'].startswith('The sensor says that it is on the other leg (right).\n'), notice
        fake.do('signal', member='SensorWarning', warning='leg', details={'percent': None, 'hours': None, 'over': True})
        wait(lambda: desktop.closed() == [notice['id']], 'the notice to be closed')


def test_battery():
    with agent() as (fake, desktop, _):
        fake.do('signal', member='SensorWarning')
        notice = shown(desktop, 1)
        assert notice['summary'] == 'left calf' and notice['hints']['urgency'] == NORMAL, notice
        assert notice['body'] == 'The battery is at 34% and lasts about 4 hours.\nCharge it before the night.', notice
        # Once, also to a new subscription, and also when it was closed.
        fake.do('signal', member='SensorWarning', details={'repeated': True})
        desktop.do('dismiss', id=notice['id'])
        fake.do('signal', member='SensorWarning', details={'repeated': True})
        settle(fake, desktop, 2)
        # The next evening's is another one.
        fake.do('signal', member='SensorWarning', details={'percent': 12, 'hours': 0.5})
        assert shown(desktop, 3)['body'].startswith('The battery is at 12% and lasts less than an hour.')
        fake.do('signal', member='SensorWarning', details={'percent': 13, 'hours': 1.2})
        assert shown(desktop, 4)['body'].startswith('The battery is at 13% and lasts about an hour.')


def test_electrode_off():
    with agent() as (fake, desktop, _):
        off = {'signal': 'electrode-off', 'percent': None, 'hours': None, 'over': False}
        fake.do('signal', member='SensorWarning', warning='signal', details=off)
        notice = shown(desktop, 1)
        assert notice['body'] == 'No cramp can be seen now.\nan electrode seems to be off', notice
        fake.do('signal', member='SensorWarning', warning='signal', details=dict(off, repeated=True))
        settle(fake, desktop, 2)
        fake.do('signal', member='SensorWarning', warning='signal', details=dict(off, over=True))
        wait(lambda: desktop.closed() == [notice['id']], 'the notice to be closed')
        fake.do('signal', member='SensorWarning', warning='signal', details=off)
        assert shown(desktop, 3)['replaces'] == 0


def test_sensor_lost():
    with agent('--night', NOW, '--lost-after', '1') as (fake, desktop, _):
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='scanning'), SENSORS[1]])
        # A sensor that never streamed is not lost.
        fake.do('signal', member='SensorChanged', path='/org/crampd1/sensor/b2', state='scanning')
        fake.do('signal', member='SensorChanged', state='stalled')
        fake.do('signal', member='SensorChanged', state='connecting')
        notice = shown(desktop, 1)
        assert notice['summary'] == 'left calf' and 'The sensor is lost since ' in notice['body'], notice
        assert notice['hints']['urgency'] == NORMAL, notice
        # Told once, and taken back when it is there again.
        fake.do('signal', member='SensorChanged', state='scanning')
        fake.do('signal', member='SensorChanged', state='streaming')
        wait(lambda: desktop.closed() == [notice['id']], 'the notice to be closed')
        shown(desktop, 1)
        # Its owner may take it off the list, which no signal tells.
        fake.do('set', key='sensors', value=[SENSORS[1]])
        fake.do('calls')
        fake.do('signal', member='SensorChanged', state='scanning')
        calls(fake, 'ListSensors')
        settle(fake, desktop, 2)


def test_sensor_lost_before_the_night():
    zone, _, night = before_a_minute()
    with agent('--night', night, '--lost-after', '0', env={'TZ': zone}) as (fake, desktop, _):
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='scanning'), SENSORS[1]])
        fake.do('signal', member='SensorChanged', state='scanning')
        # Told when it begins.
        assert 'The sensor is lost since ' in shown(desktop, 1)['body']


def test_crampd_gone():
    with agent('--night', NOW, '--lost-after', '1') as (fake, desktop, _):
        fake.kill()
        notice = shown(desktop, 1)
        assert notice['summary'] == 'crampd is not running' and notice['hints']['urgency'] == NORMAL, notice
        fake.start()
        wait(lambda: desktop.closed() == [notice['id']], 'the notice to be closed')
        # Of what happened meanwhile the list of sensors tells.
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='scanning')])
        fake.kill()
        shown(desktop, 2)
        fake.start()
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='scanning')])
    with Fakes.borrow() as (fake, desktop):
        # Who has no sensor misses nothing.
        fake.do('set', key='sensors', value=[])
        with Agent('--night', NOW, '--lost-after', '0', fake=fake, desktop=desktop):
            fake.kill()
            fake.start()
            wait(lambda: fake.subscribers() == 1, 'the subscription')
            settle(fake, desktop, 1)


def test_not_lost():
    with agent('--night', NOW, '--lost-after', '1') as (fake, desktop, _):
        # Back in time; paused; of a recording that is over.
        for states in (('scanning', 'streaming'), ('paused',), ('streaming', 'ended')):
            for state in states:
                fake.do('signal', member='SensorChanged', state=state)
        # This one is, and comes later than any of those would.
        fake.do('set', key='sensors', value=[SENSORS[0], dict(SENSORS[1], name='right', state='scanning')])
        for state in ('streaming', 'scanning'):
            fake.do('signal', member='SensorChanged', path='/org/crampd1/sensor/b2', state=state)
        assert shown(desktop, 1)['summary'] == 'right'
    with agent('--night', NOT_NOW, '--lost-after', '0') as (fake, desktop, _):
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='scanning')])
        fake.do('signal', member='SensorChanged', state='scanning')
        settle(fake, desktop, 1)
        fake.kill()
        fake.start()
        # The new one does not know that last sensor, and has told of all others then.
        wait(lambda: desktop.closed() == [1], 'its notice to be closed')
        shown(desktop, 1)


# --- the hook ---


def lines(path, count):
    def read():
        if not os.path.exists(path):
            return None
        with open(path, encoding='utf-8') as file:
            found = file.read().splitlines()
        return found if len(found) >= count else None
    return [json.loads(line) for line in wait(read, f'{count} lines of the hook')]


def test_hook():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'lines')
        with agent('--exec', f'cat >>{shlex.quote(path)}; kill -l >/dev/null') as (fake, desktop, running):
            fake.do('signal', member='AlertRaised')
            raised = lines(path, 1)[0]
            fake.do('signal', member='AlertRaised', details={'repeated': True})
            fake.do('signal', member='AlertUpdated', details={'recorded': True})
            fake.do('signal', member='AlertUpdated', episode={'severity': 'strong'})
            assert lines(path, 2)[1]['type'] == 'alert-updated'
            fake.do('signal', member='SensorWarning')
            fake.do('signal', member='AlertEnded')
            found = lines(path, 3)
            assert [line['type'] for line in found] == ['alert-raised', 'alert-updated', 'alert-ended'], found
            assert raised['id'] == 'e1' and raised['relief'] == RELIEF and raised['sensor_name'] == 'left calf', raised
            assert found[2]['end_us'] == EPISODES[0]['end_us'] and found[2]['severity'] == 'moderate', found
            fake.do('signal', member='AlertRaised', episode={'id': 'e9'})
            lines(path, 4)
            fake.kill()
            assert lines(path, 5)[4] == {'type': 'service-gone'}
            assert running.said() == '', running.said()


def test_hook_is_the_monitors_line():
    """The same object, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'lines')
        with agent('--exec', f'cat >>{shlex.quote(path)}') as (fake, desktop, _):
            with subprocess.Popen([*WRAPPER, os.environ['CRAMPCTL'], 'monitor', '--json'], stdout=subprocess.PIPE,
                                  text=True) as monitor:
                wait(lambda: fake.subscribers() == 2, 'the monitor')
                fake.do('signal', member='AlertRaised', relief=['a "quoted"\n\x1b step'])
                line = monitor.stdout.readline()
                monitor.terminate()
            lines(path, 1)
            with open(path, encoding='utf-8') as file:
                assert file.read() == line


def test_hooks_that_fail():
    with tempfile.TemporaryDirectory() as folder:
        gate = os.path.join(folder, 'gate')
        os.mkfifo(gate)
        # Nobody reads, and everybody hangs: the alerts come all the same, and the ninth gets no hook.
        with agent('--exec', f'exec 0<&-; read -r line <{shlex.quote(gate)}') as (fake, desktop, running):
            for number in range(9):
                fake.do('signal', member='AlertRaised', episode={'id': f'n{number}'})
            shown(desktop, 9)
            wait(lambda: '8 commands of --exec run still' in running.said(), 'the complaint')
            with open(gate, 'w', encoding='utf-8') as file:
                file.write('\n' * 8)
            running.process.send_signal(0)
    for command, said in (('exit 3', 'exit code 3'), ('kill -9 $$', 'signal 9'), ('/nonexistent', 'exit code 127'),
                          # SIGPIPE ends the writer, as in any shell.
                          ('{ yes; echo $? >&2; } 2>/dev/null | true; kill -TERM $$', 'signal 15')):
        if WRAPPER and command != 'exit 3':
            continue  # it is the shell that differs
        with agent('--exec', command) as (fake, desktop, running):
            fake.do('signal', member='AlertRaised')
            shown(desktop, 1)
            wait(lambda said=said, running=running: said in running.said(), said)


# --- the command line ---


def run(*arguments, code=0):
    done = subprocess.run([*WRAPPER, PROGRAM, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, (arguments, done)
    assert (done.stderr.startswith('cramp-notify: ') and done.stderr.count('\n') == 1) if code else not done.stderr, done
    return done.stdout if code == 0 else done.stderr


def test_command_line():
    out = run('--help')
    assert out.startswith('Usage: cramp-notify') and all(len(line) < 110 for line in out.splitlines()), out
    assert run('--version').startswith('cramp-notify ')
    for wrong in (['x'], ['--unheard'], ['--quiet'], ['--quiet', '22'], ['--quiet', '22:00-25:00'], ['--quiet', '22:60-07:00'],
                  ['--quiet', '22:00-07:00x'], ['--night', ''], ['--lost-after', '-1'], ['--lost-after', '1e3'],
                  ['--lost-after', '99999999999999999999'], ['--sound', ''], ['--sound', '../x'], ['--sound', 'x' * 65],
                  ['--private=maybe'], ['--quiet-alerts']):
        if WRAPPER and wrong != ['--private=maybe']:
            continue  # valgrind takes a second to start, and finds the same in each
        run(*wrong, code=64)
    Fakes.end()
    with PrivateBus():
        os.environ['DBUS_SESSION_BUS_ADDRESS'] = 'unix:path=/nonexistent'
        assert 'session bus' in run(code=69)
        del os.environ['DBUS_SESSION_BUS_ADDRESS']
    with PrivateBus(variable='DBUS_SESSION_BUS_ADDRESS'):
        os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/nonexistent'
        assert 'system bus' in run(code=69)
        del os.environ['DBUS_SYSTEM_BUS_ADDRESS']


def test_sample():
    with Fakes.borrow() as (fake, desktop), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'lines')
        with Agent('--test', '--exec', f'cat >>{shlex.quote(path)}', wait=False) as sample:
            notice = wait(lambda: next((n for n in desktop.notices() if n['actions']), None), 'the sample')
            assert notice['summary'] == 'TEST: Leg cramp: a sample' and notice['hints']['urgency'] == CRITICAL, notice
            assert 'Sit up' in notice['body'], notice
            assert lines(path, 1)[0]['simulated'] is True
            desktop.do('choose', id=notice['id'], key='confirmed')
            wait(lambda: 'nothing was written' in desktop.notices()[-1]['body'], 'the answer')
            desktop.do('choose', id=notice['id'], key='what-helps')
            calls_seen = calls(fake, 'Advise')
            wait(lambda: desktop.notices()[-1]['summary'] == 'What helps', 'advice')
            desktop.do('dismiss', id=desktop.notices()[-1]['id'])
            # Closed by who tries it: over at once, with its summary.
            desktop.do('dismiss', id=notice['id'])
            summary = wait(lambda: next((n for n in desktop.notices() if 'is over' in n['summary']), None), 'the summary')
            assert summary['summary'] == 'TEST: The cramp is over: a sample' and summary['hints']['urgency'] == LOW, summary
            desktop.do('dismiss', id=summary['id'])
            assert sample.process.wait(LIMIT_S) == 0
        assert len(calls_seen) == 1 and not [c for c in fake.do('calls') if c['member'] in ('Annotate', 'Subscribe')]
        desktop.do('release')
        with Agent('--test', wait=False, code=69) as sample:
            assert sample.process.wait(LIMIT_S) == 69


try:
    tap.main(globals())
finally:
    Fakes.end()
