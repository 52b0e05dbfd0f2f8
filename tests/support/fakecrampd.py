# SPDX-License-Identifier: MIT
"""A fake org.crampd1 for tests of its clients: a process of its own on the (private) system bus, told what to do by the
test, and able to misbehave in every way that a client has to survive.

    with FakeCrampd() as fake:
        fake.do('signal', member='AlertRaised')

Needs python3-dbus and python3-gi."""

import datetime
import json
import os
import signal
import socket
import struct

import puppet

NAME = 'org.crampd1'
MANAGER_PATH = '/org/crampd1'
SENSOR_PREFIX = '/org/crampd1/sensor/'
ERROR = 'org.crampd1.Error.'

RELIEF = ['Sit up and hold on before you stand.', 'Pull the toes toward the shin.']

SENSORS = [
    {'id': 'a1', 'address': 'C0:FF:EE:00:00:01', 'driver': 'crampd', 'name': 'left calf',
     'muscle': 'gastrocnemius-medialis', 'leg': 'left', 'owner': 0, 'simulated': False, 'state': 'streaming',
     'reason': 'Data is coming in.', 'detector': 'rest', 'rate_hz': 1000.0, 'channels': 2, 'battery': 87,
     'packets': 123456789012, 'lost_packets': 3, 'malformed_packets': 0, 'connects': 2, 'monitored_us': 3600000000},
    {'id': 'b2', 'address': 'virtual', 'driver': 'crampd', 'name': '', 'muscle': 'soleus', 'leg': 'right', 'owner': 0,
     'simulated': True, 'state': 'absent', 'reason': 'Not heard yet.', 'detector': 'none', 'packets': 0,
     'lost_packets': 0, 'malformed_packets': 0, 'connects': 0, 'monitored_us': 0},
]

EPISODES = [
    {'id': 'e1', 'sensor': 'a1', 'muscle': 'gastrocnemius-medialis', 'leg': 'left', 'onset_us': 1795396445250000,
     'alert_us': 1795396451000000, 'end_us': 1795396510250999, 'zone_offset_s': 3600, 'end_reason': 'subsided',
     'severity': 'moderate', 'peak_uv': 123.456, 'peak_mvc_percent': 45.67, 'median_hz': 61.5, 'confidence': 0.875,
     'channel': 1, 'detector': '1', 'verdict': 'confirmed', 'pain': 7, 'note': 'after "the" walk', 'waveform': True,
     'simulated': False},
    # No end, no unit, no frequency.
    {'id': 'e2', 'sensor': 'b2', 'muscle': 'soleus', 'leg': 'right', 'onset_us': 1795400000000001,
     'alert_us': 1795400005000000, 'zone_offset_s': -12600, 'severity': 'mild', 'confidence': 1.0, 'channel': 0,
     'detector': '1', 'simulated': True},
]

TYPES = {'owner': 'u', 'channels': 'u', 'battery': 'u', 'channel': 'u', 'sensors': 'u', 'subscribers': 'u',
         'zone_offset_s': 'i', 'packets': 't', 'lost_packets': 't', 'malformed_packets': 't', 'connects': 't',
         'monitored_us': 't', 'rate_hz': 'd', 'peak_uv': 'd', 'median_hz': 'd', 'confidence': 'd', 'simulated': 'b',
         'recorded': 'b', 'watched': 'b', 'repeated': 'b', 'arbitrary_unit': 'b', 'paused': 'b', 'allow_broadcast': 'b', 'envelope': 'b',
         'accelerometer': 'b', 'battery_lasts_night': 'b', 'reconnects': 't', 'longest_gap_us': 't', 'rssi': 'n',
         'clock_ppm': 'd', 'measured_rate_hz': 'd', 'scale_uv': 'd', 'battery_mv': 'u', 'battery_hours': 'd',
         'peak_mvc_percent': 'd', 'capacity': 'd', 'added': 'b', 'percent': 'u', 'pain': 'u', 'learning': 'b', 'proposed': 'd', 'applied': 'd', 'factor_min': 'd', 'factor_max': 'd',
         'confirmed': 'u', 'false_alarms': 'u', 'missed': 'u', 'verdicts_min': 'u', 'half_days': 'u', 'bridged': 'u', 'dips': 'u', 'took_part': 'u', 'evidence_factor': 'd', 'needed_s': 'd',
         'active_s': 'd', 'unbroken_s': 'd', 'ratio_alert': 'd', 'ratio_peak': 'd', 'together': 'd', 'moved': 'd', 'slow': 'd', 'again_factor': 'd', 'hours': 'd'}
TYPES.update({'waveform': 'b', 'over': 'b', 'rate_mhz': 'u'})
TYPES.update({'amounts_allowed': 'b', 'nights': 'u', 'clusters': 'u', 'priority': 'u', 'red_flag': 'b', 'food': 'b',
              'intake': 'd', 'intake_adequate': 'b', 'limit': 'd', 'limit_supplements_only': 'b'})
TYPES.update({key: 'u' for key in ('baseline_days', 'block_days', 'washout_days', 'nights_without', 'nights_with',
                                   'nights_left_out', 'clusters_without', 'clusters_with', 'cramps_without', 'cramps_with',
                                   'strong_without', 'strong_with', 'reported', 'reported_without', 'reported_with',
                                   'reported_left_out')})
TYPES.update({key: 'd' for key in ('ratio', 'ratio_low', 'ratio_high', 'mean_pain_without', 'mean_pain_with')})
TYPES.update({key: 'u' for key in ('rest_s', 'flex_s', 'pause_s', 'tries')})
TYPES.update({key: 'd' for key in ('level_uv', 'rest_uv', 'highest_uv')})
# Lists of numbers; all others are of texts.
DOUBLES = ('rest_uv', 'mvc_uv')
# In nights some keys count something else.
NIGHT_TYPES = dict(TYPES, reconnects='u', gaps='u', episodes='u', gap_us='t', lasts='b')

FOUND = [
    ['C0:FF:EE:00:00:07', {'name': 'NPG-Lite-3CH', 'driver': 'npg-lite', 'title': 'NPG Lite', 'match': 'yes', 'rssi': -60,
                           'added': False, 'notes': 'Do not pair it.'}],
    ['C0:FF:EE:00:00:08', {'name': 'gForceBLE', 'driver': 'gforce', 'title': 'gForce', 'match': 'maybe', 'added': True}],
]

NIGHTS = [
    {'evening': '2026-11-22', 'sensor': 'a1', 'start_us': 1795384800000000, 'end_us': 1795413600000000,
     'zone_offset_s': 3600, 'lasts': False, 'monitored_us': 28560000000, 'packets': 999, 'lost_packets': 1,
     'gap_us': 240000000, 'longest_gap_us': 180000000, 'gaps': 2, 'reconnects': 1, 'episodes': 3,
     'longest_gaps': [[1795395600000000, 1795395780000000, 'no-data'], [1795399200000000, 1795399209000000, 'dead']]},
]


ACCOUNT = {
    'sensitivity': 'normal', 'evidence_factor': 1.12, 'again_factor': 0.95, 'needed_s': 8.96, 'from_us': 1795396446000000, 'active_s': 5.5,
    'unbroken_s': 5.5, 'ratio_alert': 4.1, 'ratio_peak': 5.25, 'bridged': 3, 'dips': 1, 'together': 0.25, 'moved': 0.75,
    'slow': 0.125, 'channels': 3,
    'took_part': 5, 'quality': 'good', 'point_us': 1000000, 'evidence_s': [0.84, 1.8],
}

# Ten frames a second: rest, a gap of a second, then a cramp in the second channel.
WAVEFORM = {'start_us': 1795396435250000, 'rate_mhz': 10000, 'channels': 2, 'scale_uv': 0.5, 'arbitrary_unit': False}
WAVEFORM_PIECES = [[0, 50], [60, 240]]
WAVEFORM_SAMPLES = [value for frame in list(range(50)) + list(range(60, 300))
                    for value in (frame % 3 - 1, (200 if frame % 2 else -246) if frame >= 100 else frame % 2)]

DETECTOR = {
    'sensitivity': 'high', 'needed_s': 6.72, 'again_factor': 1.0, 'learning': True, 'proposed': 1.17, 'applied': 1.12, 'factor_min': 0.85,
    'factor_max': 1.3, 'confirmed': 2, 'false_alarms': 7, 'missed': 1, 'verdicts_min': 5, 'half_days': 30,
    'reason': 'False alarms prevail.', 'since_us': 1795396446000000,
}

MISSED = [
    {'id': 'm1', 'sensor': 'a1', 'muscle': 'soleus', 'leg': 'left', 'time_us': 1795403400000000, 'zone_offset_s': 3600, 'pain': 8,
     'note': 'at four', 'watched': True},
]

PROFILE = {'age': '67', 'medicines': 'statin'}

ADVICE = {
    'summary': {'language': 'en', 'amounts_allowed': True, 'nights': 20, 'clusters': 3, 'reported': 1, 'missing': ['sex', 'log']},
    'items': [
        {'id': 'red-swelling', 'topic': 'doctor', 'kind': 'red-flag', 'title': 'See a doctor', 'text': 'Soon.\x1b[31m',
         'grade': 'common-advice', 'reviewed': '2026-11-24', 'priority': 900, 'red_flag': True, 'sources': ['NHS (2026). X'],
         'reasons': ['Your log has: swelling.'], 'foods': [], 'missing': []},
        {'id': 'magnesium-intake', 'topic': 'magnesium', 'kind': 'intake', 'title': 'How much', 'text': 'word ' * 60,
         'grade': 'strong', 'reviewed': '2026-11-24', 'priority': 10, 'red_flag': False, 'sources': [], 'reasons': [],
         'foods': ['Spinach, 1 cup: 78 mg'], 'missing': ['sex'], 'intake': 320.0, 'intake_unit': 'mg',
         'intake_adequate': False, 'limit': 350.0, 'limit_unit': 'mg', 'limit_authority': 'IOM',
         'limit_supplements_only': True}],
    'suppressed': [{'id': 'potassium', 'title': 'Potassium', 'text': '', 'food': True, 'reasons': ['You said: x.']}],
}

LOG = [
    {'id': 'f1', 'kind': 'amount', 'what': 'magnesium', 'amount': '300mg', 'origin': 'food', 'time_us': 1795396445250000,
     'zone_offset_s': 3600},
    {'id': 'f2', 'kind': 'note', 'text': 'slept\nbadly', 'time_us': 1795396445250001, 'zone_offset_s': 3600},
]

WARNINGS = [{'id': 'above-upper-limit', 'nutrient': 'magnesium', 'text': 'Above the limit.\x1b[31m', 'limit': 350.0,
             'limit_unit': 'mg', 'limit_authority': 'IOM', 'limit_supplements_only': True}]

TRIAL = {'id': 't1', 'nutrient': 'magnesium', 'design': 'before-after', 'start_day': '2026-10-01', 'baseline_days': 56,
         'block_days': 28, 'washout_days': 7, 'nights_without': 40, 'nights_with': 30, 'nights_left_out': 2,
         'clusters_without': 20, 'clusters_with': 3, 'cramps_without': 21, 'cramps_with': 2, 'strong_without': 5,
         'strong_with': 0, 'reported_without': 1, 'reported_with': 1, 'reported_left_out': 2, 'mean_pain_without': 6.5,
         'ratio': 0.2, 'ratio_low': 0.04, 'ratio_high': 0.67,
         'verdict': 'fewer', 'text': 'You had fewer.'}


class FakeCrampd(puppet.Puppet):
    """The test's end of the process."""

    program = os.path.abspath(__file__)

    def answer(self, method, how):
        """From now on `method` is answered in that way: 'error NAME', 'signature', 'type KEY', 'missing KEY', 'huge KEY', 'long KEY',
        'many', 'endless', 'repeat-cursor', 'path', 'silent', 'vanish', 'file', or None for well. 'signals-first' sends an
        alert's beginning and end before the next answer."""
        self.do('answer', method=method, how=how)

    def subscribers(self):
        return self.do('subscribers')


# --- the process ---


def run():
    import dbus
    import dbus.bus
    import dbus.lowlevel
    import dbus.mainloop.glib

    make = {'s': dbus.String, 'u': dbus.UInt32, 'i': dbus.Int32, 'x': dbus.Int64, 't': dbus.UInt64, 'd': dbus.Double,
            'b': dbus.Boolean, 'n': dbus.Int16}

    def typed(values, types=TYPES):
        """Python values as a{sv}, by the documented type of each key."""
        def type_of(key, value):
            return types.get(key, 'x' if key.endswith('_us') else 's' if isinstance(value, str) else 'x')
        return dbus.Dictionary({key: dbus.Array(value, signature='d' if key in DOUBLES else 's') if isinstance(value, list) else
                                make[type_of(key, value)](value) for key, value in values.items()}, signature='sv')

    class Service:
        def __init__(self):
            loop = dbus.mainloop.glib.DBusGMainLoop()
            self.bus = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], mainloop=loop)
            self.stranger = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], mainloop=loop)
            self.bus.add_message_filter(self.filter)
            self.do_reset(None)

        # --- calls ---

        def filter(self, bus, message):
            if message.get_type() != 1 or not (message.get_path() or '').startswith(MANAGER_PATH):
                return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
            self.calls.append({'member': message.get_member(), 'path': message.get_path(),
                               'args': json.loads(json.dumps(message.get_args_list()))})
            self.handle(message, message.get_member())
            return dbus.lowlevel.HANDLER_RESULT_HANDLED

        def handle(self, message, member):
            how = self.hows.get(member)
            if how == 'silent':
                return
            if how == 'vanish':
                os._exit(0)
            if how == 'signals-first':
                del self.hows[member]
                self.signal({'member': 'AlertRaised'}, message.get_sender())
                self.signal({'member': 'AlertEnded'}, message.get_sender())
            if how and how.startswith('error '):
                self.error(message, how.split(' ')[1], 'Said no.\n\x1b[31mred')
            elif how == 'signature':
                self.reply(message, 's', 'not what you expect')
            elif not hasattr(self, member):
                self.error(message, 'org.freedesktop.DBus.Error.UnknownMethod', member)
            else:
                getattr(self, member)(message, how or '')

        def reply(self, message, signature, *values):
            reply = dbus.lowlevel.MethodReturnMessage(message)
            reply.append(*values, signature=signature)
            self.bus.send_message(reply)

        def error(self, message, name, text):
            self.bus.send_message(dbus.lowlevel.ErrorMessage(message, name, text))

        @staticmethod
        def spoil(values, how):
            """One entry with a wrong type, without it, or with an endless string, after typed()."""
            kind, _, key = how.partition(' ')
            if kind == 'type':
                values[key] = dbus.Struct((dbus.Byte(1),), signature='y')
            elif kind == 'missing':
                del values[key]
            elif kind == 'huge':
                values[key] = dbus.String('x' * 4000000)
            elif kind == 'long':
                values[key] = dbus.String('x' * 8191)  # as long as crampd's may be
            return values

        def Status(self, message, how):
            status = dict(self.status, sensors=len(self.sensors), subscribers=0)
            self.reply(message, 'a{sv}', self.spoil(typed(status), how))

        def ListSensors(self, message, how):
            sensors = self.sensors * (3000 if how == 'many' else 1)
            self.reply(message, 'a(oa{sv})', dbus.Array(
                [dbus.Struct((SENSOR_PREFIX + s['id'] if how != 'path' else '/elsewhere', self.spoil(typed(s), how)))
                 for s in sensors], signature='(oa{sv})'))

        def AddSensor(self, message, how):
            self.reply(message, 'o', dbus.ObjectPath(SENSOR_PREFIX + 'c3'))

        def Remove(self, message, how):
            self.reply(message, '')

        Edit = Pause = Resume = Identify = StopScan = StopCalibration = ForgetCalibration = Remove

        def Calibrate(self, message, how):
            self.calibrating.append((message.get_sender(), message.get_path()))
            plan = dict({'rest_s': 20, 'flex_s': 4, 'pause_s': 5, 'tries': 3}, **message.get_args_list()[0])
            self.reply(message, 'a{sv}', self.spoil(typed(plan), how))
        Annotate = ClearAnnotation = Remove

        def DescribeDetector(self, message, how):
            self.reply(message, 'a{sv}', self.spoil(typed(self.detector), how))

        def GetEpisode(self, message, how):
            found = [e for e in self.episodes if e['id'] == message.get_args_list()[0]]
            if not found:
                self.error(message, ERROR + 'NoSuchEpisode', 'There is no such episode.')
                return
            self.reply(message, 'a{sv}', self.spoil(typed(found[0]), how))

        def ExplainEpisode(self, message, how):
            kept = ACCOUNT | {'one-channel': {'channels': 1, 'took_part': 1}, 'at-alert': {'point_us': 2500000}}.get(how, {})
            account = typed({key: value for key, value in kept.items() if key != 'evidence_s'})
            account['evidence_s'] = dbus.Array(ACCOUNT['evidence_s'], signature='d')
            self.reply(message, 'a{sv}', self.spoil(account, how))

        def GetWaveform(self, message, how):
            waveform = typed(WAVEFORM)
            pieces = [[0, 0]] if how == 'nonsense' else WAVEFORM_PIECES[::-1] if how == 'disorder' else WAVEFORM_PIECES
            waveform['pieces'] = dbus.Array([dbus.Struct(map(dbus.UInt32, piece)) for piece in pieces], signature='(uu)')
            samples = WAVEFORM_SAMPLES[:-1] if how == 'short' else WAVEFORM_SAMPLES
            self.reply(message, 'a{sv}an', self.spoil(waveform, how), dbus.Array(samples, signature='n'))

        def ReportMissed(self, message, how):
            sensor, time_us, _ = message.get_args_list()
            self.missed.append(dict(MISSED[0], id='m9', sensor=str(sensor), time_us=int(time_us), watched=how == 'watched'))
            self.reply(message, 's', 'm9')

        def ListMissed(self, message, how):
            self.reply(message, 'aa{sv}t', dbus.Array([self.spoil(typed(m), how) for m in self.missed], signature='a{sv}'),
                       dbus.UInt64(0))

        def Scan(self, message, how):
            self.scanners.append(message.get_sender())
            self.reply(message, '')

        def ListNights(self, message, how):
            nights = []
            for night in self.nights:
                row = typed({key: value for key, value in night.items() if key != 'longest_gaps'}, NIGHT_TYPES)
                row['longest_gaps'] = dbus.Array(
                    [dbus.Struct((dbus.Int64(start), dbus.Int64(end), reason)) for start, end, reason in night['longest_gaps']],
                    signature='(xxs)')
                nights.append(self.spoil(row, how))
            self.reply(message, 'aa{sv}t', dbus.Array(nights, signature='a{sv}'), dbus.UInt64(0))

        # --- guidance ---

        def rows(self, rows, how):
            return dbus.Array([self.spoil(typed(row), how) for row in rows], signature='a{sv}')

        def GetProfile(self, message, how):
            profile = {f'key{i}': 'x' for i in range(100)} if how == 'many' else PROFILE
            self.reply(message, 'a{ss}', dbus.Dictionary(profile, signature='ss'))

        ForgetProfile = SetProfile = DeleteLog = StopTrial = DeleteTrial = Remove

        def Advise(self, message, how):
            where, _, how = how.partition(': ')
            items = ADVICE['items'] * {'many': 600}.get(where, 1)
            self.reply(message, 'a{sv}aa{sv}aa{sv}',
                       self.spoil(typed(ADVICE['summary']), how if where == 'summary' else ''),
                       self.rows(items, how if where == 'items' else ''),
                       self.rows(ADVICE['suppressed'], how if where == 'suppressed' else ''))

        def Log(self, message, how):
            self.reply(message, 'saa{sv}', 'f3', self.rows(WARNINGS, how))

        EditLog = Log

        def ListLog(self, message, how):
            self.reply(message, 'aa{sv}t', self.rows(LOG, how), dbus.UInt64(0))

        def StartTrial(self, message, how):
            self.reply(message, 's', 't2')

        def ListTrials(self, message, how):
            self.reply(message, 'aa{sv}', self.rows([TRIAL] * (2000 if how == 'many' else 1), how))

        def Subscribe(self, message, how):
            if message.get_sender() not in self.subscriptions:
                self.subscriptions.append(message.get_sender())
            self.reply(message, '')

        def Unsubscribe(self, message, how):
            self.subscriptions = [name for name in self.subscriptions if name != message.get_sender()]
            self.reply(message, '')

        def ListEpisodes(self, message, how):
            filter_ = message.get_args_list()[0]
            after = int(filter_.get('after', 0))
            chosen = [e for e in self.episodes
                      if int(filter_.get('since_us', -2**63)) <= e['onset_us'] < int(filter_.get('until_us', 2**63))]
            size = min(self.page, int(filter_.get('limit', 250)))
            page = chosen[after:after + size]
            cursor = after + size if after + size < len(chosen) else 0
            self.reply(message, 'aa{sv}t',
                       dbus.Array([self.spoil(typed(e), how) for e in page], signature='a{sv}'), dbus.UInt64(cursor))

        def ListChanges(self, message, how):
            """Episodes that are over; a cursor is the number of those that were told. A change is made by 'set' of them."""
            filter_ = message.get_args_list()[0]
            ended = [e for e in self.episodes if 'end_us' in e]
            after = int(filter_.get('after') or 0)
            page = ended[after:after + self.page]
            if how == 'endless':
                page = self.episodes
            cursor = filter_.get('after', '') if how == 'endless' else str(after + len(page))
            self.reply(message, 'aa{sv}s', dbus.Array([self.spoil(typed(e), how) for e in page], signature='a{sv}'), cursor)

        def chosen(self, rows, time, filter_):
            """Those that a filter means, beginning at its cursor, and the next cursor."""
            after, size = int(filter_.get('after', 0)), min(self.page, int(filter_.get('limit', 20000)))
            found = [row for row in rows if filter_.get('sensor') in (None, row['sensor'])
                     and int(filter_.get('since_us', -2**63)) <= row[time] < int(filter_.get('until_us', 2**63))]
            return found[after:after + size], after + size if after + size < len(found) else 0

        def outline(self, message, how, columns, cursor):
            """`columns`: name -> (type, values); those of type q hold words."""
            words = []
            for name, (kind, values) in columns.items():
                if kind == 'q':
                    words += [value for value in dict.fromkeys(values) if value not in words]
                    columns[name] = kind, [words.index(value) for value in values]
            if how == 'short':
                columns['onset_us' if 'onset_us' in columns else 'start_us'][1].pop()
            elif how == 'repeat-cursor':
                cursor = 7
            elif how.startswith('huge '):
                words[columns[how[5:]][1][0]] = 'x' * 4000000
                how = ''
            elif how == 'place':
                columns['sensor'][1][-1] = len(words)
            elif how == 'many':
                columns = {name: (kind, values[:1] * 20001) for name, (kind, values) in columns.items()}
            elif how == 'endless':
                columns, cursor = {name: (kind, []) for name, (kind, _) in columns.items()}, cursor + 1
            typed_columns = dbus.Dictionary({name: dbus.Array(values, signature=kind)
                                             for name, (kind, values) in columns.items()}, signature='sv')
            self.reply(message, 'asa{sv}t', dbus.Array(words, signature='s'), self.spoil(typed_columns, how),
                       dbus.UInt64(cursor))

        def OutlineEpisodes(self, message, how):
            rows, cursor = self.chosen(self.episodes, 'onset_us', message.get_args_list()[0])
            columns = {'onset_us': ('x', [row['onset_us'] for row in rows]),
                       'length_us': ('x', [row['end_us'] - row['onset_us'] if 'end_us' in row else -1 for row in rows]),
                       'zone_offset_s': ('i', [row['zone_offset_s'] for row in rows]),
                       'pain': ('i', [row.get('pain', -1) for row in rows]),
                       'simulated': ('y', [int(row.get('simulated', False)) for row in rows])}
            columns.update({name: ('q', [row.get(name, '') for row in rows])
                            for name in ('sensor', 'leg', 'muscle', 'severity', 'verdict')})
            self.outline(message, how, columns, cursor)

        def TabulateEpisodes(self, message, how):
            rows, cursor = self.chosen(self.episodes, 'onset_us', message.get_args_list()[0])
            nan = float('nan')
            columns = {'onset_us': ('x', [row['onset_us'] for row in rows]), 'alert_us': ('x', [row['alert_us'] for row in rows]),
                       'end_us': ('x', [row.get('end_us', -2**63) for row in rows]),
                       'zone_offset_s': ('i', [row['zone_offset_s'] for row in rows]),
                       'pain': ('i', [row.get('pain', -1) for row in rows]), 'channel': ('u', [row['channel'] for row in rows]),
                       'waveform': ('y', [int(row.get('waveform', False)) for row in rows]),
                       'simulated': ('y', [int(row.get('simulated', False)) for row in rows])}
            columns.update({name: ('d', [row.get(name, nan) for row in rows])
                            for name in ('peak_uv', 'peak_mvc_percent', 'median_hz', 'confidence')})
            columns.update({name: ('q', [row.get(name, '') for row in rows])
                            for name in ('id', 'sensor', 'leg', 'muscle', 'severity', 'end_reason', 'detector', 'verdict', 'note')})
            self.outline(message, how, columns, cursor)

        def OutlineNights(self, message, how):
            rows, cursor = self.chosen(self.nights, 'start_us', message.get_args_list()[0])
            columns = {name: ('x', [row[name] for row in rows]) for name in ('start_us', 'monitored_us', 'gap_us')}
            columns['evening_day'] = 'i', [(datetime.date.fromisoformat(row['evening']) - datetime.date(1970, 1, 1)).days
                                           for row in rows]
            columns['sensor'] = 'q', [row['sensor'] for row in rows]
            of = {sensor['id']: sensor for sensor in SENSORS}
            for name, unknown in (('name', ''), ('driver', 'crampd'), ('leg', 'left'), ('muscle', 'soleus')):
                columns[name] = 'q', [row.get(name, of.get(row['sensor'], {}).get(name, unknown)) for row in rows]
            columns['rate_hz'] = 'd', [row.get('rate_hz', 500.0) for row in rows]
            columns['channels'] = 'u', [row.get('channels', 1) for row in rows]
            columns['simulated'] = 'y', [int(row.get('simulated', False)) for row in rows]
            self.outline(message, how, columns, cursor)

        def OpenStream(self, message, how):
            if how == 'file':
                ours, theirs = None, os.open('/dev/zero', os.O_RDONLY)
            else:
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            details = typed({'arbitrary_unit': False, 'name': 'x', 'muscle': 'soleus', 'leg': 'left', **self.stream_details})
            self.reply(message, 'ha{sv}', dbus.types.UnixFd(theirs), self.spoil(details, how))
            if ours is None:
                os.close(theirs)
                return
            theirs.close()
            self.streams.setdefault(message.get_path(), []).append(ours)

        # --- signals ---

        def signal(self, command, destination, bus=None):
            member = command['member']
            episode = dict(self.episodes[0], **command.get('episode', {}))
            sensor = dbus.ObjectPath(command.get('path', SENSOR_PREFIX + episode['sensor']))
            details = {key: episode[key] for key in ('leg', 'alert_us', 'zone_offset_s', 'confidence', 'peak_uv',
                                                     'peak_mvc_percent', 'median_hz')}
            details.update(name='left calf', recorded=False, simulated=True, repeated=False)
            details.update(command.get('details', {}))
            message = dbus.lowlevel.SignalMessage(MANAGER_PATH, command.get('interface', 'org.crampd1.Manager'), member)
            message.set_destination(destination)
            if command.get('how') == 'signature':
                message.append('what', signature='s')
            elif member == 'SensorChanged':
                message.append(sensor, command.get('state', 'stalled'), command.get('reason', 'Out of reach.'),
                               typed({'name': 'left calf'}), signature='ossa{sv}')
            elif member == 'SensorWarning':
                details = dict({'name': 'left calf', 'percent': 34, 'hours': 4.26, 'repeated': False},
                               **command.get('details', {}))
                details = {key: value for key, value in details.items() if value is not None}
                message.append(sensor, command.get('warning', 'battery'), self.spoil(typed(details), command.get('how', '')),
                               signature='osa{sv}')
            elif member == 'AlertEnded':
                details.update(onset_us=episode['onset_us'], muscle=episode['muscle'])
                message.append(sensor, episode['id'], dbus.Int64(episode['end_us']), episode['end_reason'],
                               episode['severity'], self.spoil(typed(details), command.get('how', '')),
                               signature='osxssa{sv}')
            else:
                message.append(sensor, episode['id'], dbus.Int64(episode['onset_us']), episode['severity'],
                               episode['muscle'], command.get('relief', RELIEF),
                               self.spoil(typed(details), command.get('how', '')), signature='osxssasa{sv}')
            (bus or self.bus).send_message(message)
            (bus or self.bus).flush()

        # --- commands ---

        def do_reset(self, command):
            self.sensors = [dict(sensor) for sensor in SENSORS]
            self.episodes = [dict(episode) for episode in EPISODES]
            self.status = {'version': '0.1.0', 'detector_version': '1', 'store': 'ok', 'bluetooth': 'ok',
                           'started_us': 1795390000000000}
            self.hows = {}
            self.calls = []
            self.subscriptions = []
            self.scanners = []
            self.calibrating = []
            self.stream_details = {}
            self.nights = [dict(night) for night in NIGHTS]
            self.missed = [dict(missed) for missed in MISSED]
            self.detector = dict(DETECTOR)
            self.streams = {}
            self.page = 1000
            self.bus.request_name(NAME)

        def do_answer(self, command):
            self.hows[command['method']] = command['how']

        def do_subscribers(self, command):
            return len(self.subscriptions)

        def do_calls(self, command):
            calls, self.calls = self.calls, []
            return calls

        def do_signal(self, command):
            bus = self.stranger if command.get('stranger') else self.bus
            for name in self.subscriptions:
                self.signal(command, name, bus)
            return len(self.subscriptions)

        def do_scan(self, command):
            """Tells all scanners of each [address, details] of `found`, then the end if there is a `reason`."""
            bus = self.stranger if command.get('stranger') else self.bus
            for name in self.scanners:
                for address, details in command.get('found', []):
                    message = dbus.lowlevel.SignalMessage(MANAGER_PATH, 'org.crampd1.Manager', 'SensorFound')
                    message.set_destination(name)
                    message.append(address, self.spoil(typed(details), command.get('how', '')), signature='sa{sv}')
                    bus.send_message(message)
                if 'reason' in command:
                    message = dbus.lowlevel.SignalMessage(MANAGER_PATH, 'org.crampd1.Manager', 'ScanEnded')
                    message.set_destination(name)
                    message.append(command['reason'], signature='s')
                    bus.send_message(message)
            return len(self.scanners)

        def do_calibration(self, command):
            """Tells all that calibrate of each [phase, attempt, left_s, details] of `progress`, then the end if there is a
            `result`; `path` tells of another sensor."""
            bus = self.stranger if command.get('stranger') else self.bus

            def send(name, path, member, signature, *values):
                message = dbus.lowlevel.SignalMessage(command.get('path', path), 'org.crampd1.Sensor', member)
                message.set_destination(name)
                if command.get('how') == 'signature':
                    message.append('what', signature='s')
                else:
                    message.append(*values, self.spoil(details, command.get('how', '')), signature=signature)
                bus.send_message(message)
            for name, path in self.calibrating:
                for phase, attempt, left_s, values in command.get('progress', []):
                    details = typed(values)
                    send(name, path, 'CalibrationProgress', 'suda{sv}', phase, dbus.UInt32(attempt), float(left_s))
                if 'result' in command:
                    details = typed(command.get('details', {}))
                    send(name, path, 'CalibrationEnded', 'ssa{sv}', command['result'], command.get('reason', 'Because.'))
            return len(self.calibrating)

        def do_datagrams(self, command):
            """Sends hexadecimal text to all readers of a sensor. Returns how many there are."""
            streams = self.streams.get(SENSOR_PREFIX + command['sensor'], [])
            for stream in list(streams):
                try:
                    for datagram in command['datagrams']:
                        stream.send(bytes.fromhex(datagram))
                except (BrokenPipeError, ConnectionResetError):
                    streams.remove(stream)
            return len(streams)

        def do_set(self, command):
            setattr(self, command['key'], command['value'])

        def do_bluetooth(self, command):
            self.status['bluetooth'] = command['how']

        def do_frames(self, command):
            """Sends each (state, [(envelope, floor)...]) to all readers; raw hexadecimal text goes out as it is."""
            streams = self.streams.get(SENSOR_PREFIX + command['sensor'], [])
            for stream in streams:
                for frame in command['frames']:
                    if isinstance(frame, str):
                        stream.send(bytes.fromhex(frame))
                        continue
                    state, channels = frame
                    data = struct.pack('<QBBH', 1795396445250000, state, len(channels), 0)
                    for envelope, floor in channels:
                        data += struct.pack('<ff', envelope, floor)
                    stream.send(data)
            return len(streams)

        def do_close_streams(self, command):
            for streams in self.streams.values():
                for stream in streams:
                    stream.close()
            self.streams = {}

        def do_release(self, command):
            self.bus.release_name(NAME)

        def do_own(self, command):
            self.bus.request_name(NAME)

    service = Service()
    puppet.obey(service, service.bus.flush)


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run()
