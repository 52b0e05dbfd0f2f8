/* SPDX-License-Identifier: MIT */
/*
 * Every constant of the detector, with meaning, unit and source. Needs nothing; included by the
 * detector's own files.
 *
 * "Chosen" marks figures without a published source: they were set on the project's own simulated and on
 * real recordings, and a change of any of them changes detector_version().
 */
#pragma once

#define TUNING_VERSION "6"

/* --- Conditioning --- */

/* High-pass corner against movement artefacts, Hz (De Luca et al. 2010); fourth order. */
#define TUNING_HIGHPASS_HZ 20.0
/* Upper edge of the surface EMG band, Hz (SENIAM: low-pass near 500), and as a share of the rate. */
#define TUNING_LOWPASS_HZ 450.0
#define TUNING_LOWPASS_SHARE 0.45
/* After a start or a gap: time for the high-pass to forget, ms. Its slowest mode (48/s) is down by 6e-6
 * then. */
#define TUNING_SETTLE_MS 250
/* Filter states below this are taken for zero, so that silence does not end in slow denormal numbers. */
#define TUNING_NEGLIGIBLE 1e-30

/* --- Grid and levels --- */

/* Decisions fall on this grid, ms. */
#define TUNING_HOP_MS 50
/* The envelope is a 150 ms RMS (Moore et al. 2014: S-PLMAD), three hops. */
#define TUNING_ENVELOPE_HOPS 3u
/* "Level" is the RMS of a second; the dips of the envelope are judged against the RMS of two seconds or
 * against a slow mean, whichever is higher: movements come in pieces of seconds. Hops, hops and time
 * constant in s. Chosen. */
#define TUNING_LEVEL_HOPS 20u
#define TUNING_REFERENCE_HOPS 40u
#define TUNING_REFERENCE_SLOW_S 5.0
/* No level varies more by chance than this share of itself: that of the slowest sensors, 200 Hz. */
#define TUNING_LEVEL_NOISE_MAX 0.06
/* Envelopes kept to find the onset in, ms: the 41 s (SD 11) of rise (Chaney & Sherman) and the wait for
 * the alert. */
#define TUNING_HISTORY_MS 90000

/* --- Mains --- */

#define TUNING_MAINS_HARMONICS 9u
/* Distance from 50 or 60 Hz at which the fundamental is still looked for, Hz: grid and sensor clock
 * together. Chosen. */
#define TUNING_MAINS_SPAN_HZ 1.0
/* Power of a line over that of its neighbours, averaged over blocks: above the first it is cancelled,
 * below the second no longer. Noise alone lies near 1.5; 8 is about 6 % of a flat spectrum's power.
 * Chosen. */
#define TUNING_MAINS_ON 8.0
#define TUNING_MAINS_OFF 3.0
/* A single line's ratio counts no further than this, so that the average forgets within seconds. Chosen.
 */
#define TUNING_MAINS_RATIO_MAX 64.0
/* Share of the newest block in that average. Chosen. */
#define TUNING_MAINS_AVERAGE 0.5
/* Mains so many times above rest drown the muscle while what is left of them is this share of the band's
 * power, and 30 s beyond: so strong they are where an electrode hangs in the air, and their swaying is
 * more than a notch follows. Steady ones are cancelled, however strong. Chosen. */
#define TUNING_MAINS_DROWN_RATIO 25.0
#define TUNING_MAINS_DROWN_SHARE 0.45
/* Width of the notch at -3 dB, Hz, and how many times wider it is during its first half second. Chosen.
 */
#define TUNING_NOTCH_HZ 2.0
#define TUNING_NOTCH_HASTE 4.0
#define TUNING_NOTCH_HASTE_MS 500
/* The line's frequency is corrected by the turn of its phase over this time, ms, by this share. Chosen.
 */
#define TUNING_NOTCH_TRACK_MS 500
#define TUNING_NOTCH_TRACK_SHARE 0.6
/* Beyond this disagreement with the spectrum, Hz, the tracker has lost the line and starts anew. Chosen.
 */
#define TUNING_NOTCH_LOST_HZ 0.3
/* Gap over which the phase of the lines is carried on, ms: drift of 0.02 Hz turns it by 0.25 rad in 2 s.
 * Chosen. */
#define TUNING_NOTCH_CARRY_MS 2000
/* Half width of a line in the spectrum that is left out of everything else, Hz. */
#define TUNING_LINE_HALF_HZ 2.0
/* Power within so many Hz above this share of the whole is a tone or its sidebands, not muscle, whose
 * power is spread over more than 100 Hz; nothing is concluded from it. Chosen; share as for mains in
 * detector-quality rules. */
#define TUNING_TONE_HZ 6.0
#define TUNING_TONE_SHARE 0.5
/* Spectra are taken this often, ms, while nothing happens; back to back while something does. Chosen. */
#define TUNING_SPECTRUM_IDLE_MS 4000

/* --- Resting floor --- */

/* Envelopes in a unit, hops; which of them in ascending order stands for the unit (20th percentile).
 * Chosen: gait leaves 0.3 s or more of rest in a second. */
#define TUNING_FLOOR_UNIT_HOPS 20u
#define TUNING_FLOOR_UNIT_RANK 3u
/* Units remembered; the floor is their 25th percentile: it rises within 45 s, falls within 15 s. Chosen,
 * so that a rise over 41 s is not learnt before suspicion freezes the floor. */
#define TUNING_FLOOR_UNITS 60u
#define TUNING_FLOOR_SHARE 0.25
/* These percentiles of steady noise lie so many standard deviations of an envelope below its RMS (an
 * envelope of n samples spreads by 1 / sqrt(2 n)); measured on white noise. */
#define TUNING_FLOOR_BIAS 1.15
/* Independent values behind a hop of an envelope that the sensor has smoothed: as many as 50 ms hold of
 * a band up to 250 Hz, in which most of the surface EMG's power lies (De Luca et al. 2010). */
#define TUNING_FLOOR_ENVELOPE_VALUES 25u
/* What is still usual at rest: the 75th percentile of the units' mean levels. Chosen. */
#define TUNING_FLOOR_USUAL_SHARE 0.75
/* Units before anything is concluded. Chosen: "a few seconds". */
#define TUNING_FLOOR_UNITS_MIN 3u
/* Memory of rest: there after so many units (s), following by this share a unit; the floor does not
 * count below this share of it. When rest falls below the second share, the memory holds on for so many
 * units: an electrode that was off leaves amplifier noise, far below rest (1.3-1.6 uV measured), and its
 * return is no activity. Chosen. */
#define TUNING_FLOOR_MEMORY_AFTER 300u
#define TUNING_FLOOR_MEMORY_FOLLOW 0.005
#define TUNING_FLOOR_MEMORY_SHARE 0.7
#define TUNING_FLOOR_MEMORY_FALL 0.5
#define TUNING_FLOOR_MEMORY_HOLD 600u
/* Least floor: in counts (flicker between neighbouring codes has up to 0.5 RMS, rounding 0.29), and in
 * microvolts (thermal noise of 10 kOhm over this band, 0.26 by Nyquist's formula). */
#define TUNING_FLOOR_MIN_COUNTS 0.6
#define TUNING_FLOOR_MIN_UV 0.25
/* A calibrated rest is believed at a stream's start once the envelope has kept for so long, ms, within
 * this ratio of it: below it is rest (TUNING_GAIN_POINTS), and a cramp lies above. Chosen. */
#define TUNING_PRIOR_RATIO 1.5
#define TUNING_PRIOR_MS 500
/* Evidence from which on the floor is frozen, s. Chosen. */
#define TUNING_FLOOR_FREEZE_S 0.5
/* A constant channel that comes back this many counts away was at a rail or off. Chosen. */
#define TUNING_STUCK_COUNTS 20.0
#define TUNING_STUCK_MS 500
/* The usual count follows the mean of each hop by this share, while the channel moves: some five
 * seconds. */
#define TUNING_STUCK_TYPICAL_SHARE 0.01

/* --- Signal quality --- */

/* Seconds for which a channel must look bad before it is called so, and good. Chosen. */
#define TUNING_QUALITY_BAD_AFTER_S 2.0
#define TUNING_QUALITY_GOOD_AFTER_S 3.0
/* A constant count for so many seconds is no electrode on skin: even 8 bits flicker. Chosen. */
#define TUNING_QUALITY_FLAT_S 30.0
/* Clipping: share of samples at the extremes ever seen, averaged over so many seconds, while the signal
 * swings by so many counts (an offset that creeps along touches its extremes all the time). Chosen: the
 * rarest 2 % of a Gaussian are spread over many counts. */
#define TUNING_QUALITY_LIMIT_SHARE 0.02
#define TUNING_QUALITY_LIMIT_S 2.0
#define TUNING_QUALITY_LIMIT_COUNTS 100
/* Rest from here on hides too much: the noise floor at which S-PLMAD switches off (Moore et al. 2014).
 */
#define TUNING_QUALITY_NOISY_UV 30.0
/* An open amplifier's own noise (1.3-1.6 uV measured on real devices, and 5 % for the floor's own
 * error), if it is white as well: its median frequency lies beyond this share of the band, where skin
 * has more below. Chosen. */
#define TUNING_QUALITY_DEAD_UV 1.68
#define TUNING_QUALITY_WHITE_SHARE 0.42
/* Only where the band is wide enough to tell, Hz. Chosen. */
#define TUNING_QUALITY_WHITE_BAND_HZ 200.0
/* Rest has fallen to less than half for so many seconds (units of the floor). Chosen. */
#define TUNING_QUALITY_FELL_UNITS 10u
/* Too much is lost to tell anything, when no level could be measured or no rest be learnt in this share
 * of the time, averaged over so many seconds. Chosen. */
#define TUNING_QUALITY_BLIND_SHARE 0.5
#define TUNING_QUALITY_BLIND_S 15.0

/* --- Evidence --- */

/*
 * Evidence per second over level / rest, linear in between. Twice rest is the smallest, 3.2 times the
 * mean rise seen before waking (Chaney & Sherman: 100-500 %, mean 217 %). The gains are chosen: a second
 * of a strong cramp counts as one, and a floor that an electrode left at 1.7 times rest as none.
 */
#define TUNING_GAIN_POINTS                                  \
        {1.5, -1.0}, {1.75, 0.0}, {2.0, 0.7}, {3.2, 0.9}, { \
                8.0, 1.0                                    \
        }
/* Evidence at which the detector is suspicious ("watch from 3 s"), alerts, and drops the suspicion; and
 * its cap. Chosen on development seeds: with 8 s half of the alerts come 1.1 s later, with 6.5 s the leg
 * that another hand moves (ta-passive-active-tecchio) alerts, and periodic movements of 7 to 10 s do
 * (they end by 10 s, WASM 2016). All is well before the 41 s before waking. */
#define TUNING_SUSPECT_S 3.0
#define TUNING_ALERT_S 7.0
#define TUNING_DISMISS_S 0.5
/* However strong the evidence: nothing that began less than so many ms ago is called a cramp. Chosen:
 * most jerks of sleeping legs are over by then (they last 0.5-10 s: WASM 2016). */
#define TUNING_ALERT_LEAST_MS 4000
#define TUNING_EVIDENCE_MAX_S 10.0
/* The three steps of sensitivity: factors on the evidence at which the detector alerts, and on its cap.
 * Chosen on development seeds: see "Sensitivity" in tests/evaluate/README.md for what each does. */
#define TUNING_SENSITIVITY_LOW 1.5
#define TUNING_SENSITIVITY_NORMAL 1.0
#define TUNING_SENSITIVITY_HIGH 0.75
/* A suspicion that came to nothing in this time is dropped, so that the floor can learn again, ms.
 * Chosen. */
#define TUNING_SUSPECT_MAX_MS 90000
/* The envelope is in a dip below this many times rest, or this share of the level around it. Chosen:
 * between the bursts of gait it lay at 0.3 of the level, and with 0.5 one in thirty rough cramps
 * (envelope roughness up to 0.35) was missed, on development seeds. */
#define TUNING_DIP_REST 1.2
#define TUNING_DIP_SHARE 0.45
/* Dips up to this length are bridged, s (calf bursts of gait stay apart with 50-100 ms, fuse with 500
 * ms). */
#define TUNING_DIP_BRIDGE_S 0.1
/* Evidence lost per second of a longer dip, at its edge and at its bottom. Chosen. */
#define TUNING_DIP_LOSS 4.0
#define TUNING_DIP_LOSS_DEEP 12.0
/* Every longer dip makes what follows count less, by its depth: gain / (1 + weight x dips), remembered
 * for so many s. Chosen. */
#define TUNING_DIP_WEIGHT 1.5
#define TUNING_DIP_MEMORY_S 15.0
/* How far apart, at first, the points are at which the score is noted for the account of an alert, hops:
 * a second. Decides nothing. */
#define TUNING_TRAIL_POINT_HOPS 20u
/* Factor on the gain when every other channel is quiet, and when all rise too (a cramp is one muscle or
 * one head: Ross & Thomas 1995; Khan & Burne 2007). The first goes with the one that rises most, the
 * second with their mean: one companion of several ends the privilege of being alone and is no movement
 * of the leg yet. Chosen on development seeds: of the first, 1.9, 2.4 and 2.7 tell half after 4.7,
 * 4.2 and 4.2 s and one in twenty after 9.3, 7.9 and 7.4 s, and 3.0 takes jerks for cramps; of the
 * second, 0.2 and 0.3 take 0.2 and 0.8 holds at will a night for cramps, but the less it is the later is
 * told what all electrodes of a leg see. */
#define TUNING_ISOLATED_GAIN 2.4
#define TUNING_TOGETHER_GAIN 0.25
/* What rose together counts as such for so many s (time constant): movements end in one muscle after
 * another. Chosen. */
#define TUNING_COMPANY_MEMORY_S 10.0
/* Others that join (from this share on) what had so much evidence alone, s, count for this share of
 * themselves: a sleeper who turns over in pain. Chosen on development seeds: one in twenty is told 0.5 s
 * earlier. */
#define TUNING_COMPANY_JOINS 0.1
#define TUNING_COMPANY_AFTER_S 4.0
#define TUNING_COMPANY_AFTER_SHARE 0.5
/* What a muscle adds to another channel over what it adds to this one: up to the first it is crosstalk,
 * from the second on the channel takes part. Chosen. */
#define TUNING_CROSSTALK_SHARE 0.15
#define TUNING_TOGETHER_SHARE 0.35
/* It adds only what lies above so many times rest, and so many SDs of a level's chance beyond; rest is
 * what is usual there (ECG comes and goes), but no more than so many times the floor: what is usual
 * after a restless minute is movement. Chosen on development seeds: of 16 false alarms in 120 nights six
 * were jerks that a rise of half of rest hid in the other channel. */
#define TUNING_TOGETHER_QUIET_RATIO 1.05
#define TUNING_TOGETHER_NOISES 2.0
#define TUNING_TOGETHER_USUAL_RATIO_MAX 1.1
/* Level over rest from which on a channel is said to have taken part, and another sensor does. Chosen.
 */
#define TUNING_TOGETHER_RATIO 1.5

/* --- Movement, as an accelerometer tells it --- */

/* Still below the first, in g: a sensor that nobody wears varies by less than 13 mg on an axis (what
 * GGIR takes for not worn, after van Hees et al. 2013), here on all three. It moves from the second on:
 * gravity turned by 5 degrees, as a change of posture counts (van Hees et al. 2015). */
#define TUNING_MOTION_STILL_G 0.0225
#define TUNING_MOTION_MOVES_G 0.087
/* Gravity is what stays for so long (time constant), s. Chosen. */
#define TUNING_MOTION_GRAVITY_S 1.0
/* What shows less than the first of gravity, in g, is no accelerometer at rest, or in a smaller unit
 * than it says; more than the second, in a larger. Chosen. */
#define TUNING_MOTION_WEIGHT_MIN_G 0.5
#define TUNING_MOTION_WEIGHT_MAX_G 2.0
/* A level that never goes away is the sensor's own noise, or the bed's: it is believed this slowly and
 * forgotten this fast (time constants), s, and moving is so many times as much. Chosen. */
#define TUNING_MOTION_NOISE_RISE_S 300.0
#define TUNING_MOTION_NOISE_FALL_S 1.0
#define TUNING_MOTION_NOISE_RATIO 2.0
/* Activity rose with a movement if that was so recent (time constant), s, when it began, or came within
 * so many s after. Chosen. */
#define TUNING_MOTION_RECENT_S 2.0
#define TUNING_MOTION_ONSET_S 3.0
/* Factor on the gain of activity that rose with a movement, and for how long it is held to be part of it
 * (time constant), s. Chosen on development seeds: see "With an accelerometer" in
 * tests/evaluate/README.md. */
#define TUNING_MOTION_ROSE_GAIN 0.25
#define TUNING_MOTION_MEMORY_S 30.0
/* Factor on the gain while the limb is still, where no other channel tells. Chosen likewise. */
#define TUNING_MOTION_STILL_GAIN 1.4

/* Slow voltage counts from so many times what is usual at rest on; as a share of the muscle's level it
 * tells of a movement between these two; and for so many s (time constant). Factor on the gain then.
 * Below 20 Hz lies what moves electrodes and cables (De Luca et al. 2010). Chosen; with a memory of 4 s
 * one in twenty cramps with a movement inside was told 1.5 s later, on development seeds. */
#define TUNING_ARTEFACT_RATIO 1.5
#define TUNING_ARTEFACT_FROM 0.10
#define TUNING_ARTEFACT_TO 0.25
#define TUNING_ARTEFACT_MEMORY_S 2.0
#define TUNING_ARTEFACT_GAIN 0.1
/* Who moves in pain: the factor for activity that had so much evidence, s, while there was less slow
 * voltage than this. With a factor of 1 the leg that another hand moves (ta-passive-active-tecchio)
 * alerts. Chosen. */
#define TUNING_ARTEFACT_CALM 0.1
#define TUNING_ARTEFACT_BEFORE_S 3.0
#define TUNING_ARTEFACT_BEFORE_GAIN 0.5
/* So many Hz of a flat spectrum are in the slow voltage: the difference of two means of n samples has
 * 2 / n of white noise's power, and 100 ms of them 20 Hz of twice as wide a band's. */
#define TUNING_ARTEFACT_BAND_HZ 10.0

/*
 * A level that came with a movement or a jump of voltage, and keeps still for so long, s, is a new rest.
 * Chosen on development seeds: with 6 s weak cramps of real pieces were taken for one.
 */
#define TUNING_NEWREST_S 8.0
/* Slow voltage of this share of the muscle's level is a movement, of this one a jump: the voltage is
 * more than the level that its own transient leaves in the band. Chosen. */
#define TUNING_NEWREST_MOTION_SHARE 0.2
#define TUNING_NEWREST_JUMP_SHARE 1.5
/* It must lie within the run's first so many s, or so many s before it. Chosen. */
#define TUNING_NEWREST_BEGIN_S 2.0
#define TUNING_NEWREST_BEFORE_S 15.0
/* Still is what keeps within so many times itself, after a movement and after a jump, and so many SDs of
 * a level's chance beyond: 1.2 and 1.35 at 1 kHz, 1.27 and 1.42 at 200 Hz. The waxing and waning of
 * muscles goes beyond 1.3. Chosen. */
#define TUNING_NEWREST_MOTION_RATIO 1.15
#define TUNING_NEWREST_JUMP_RATIO 1.30
#define TUNING_NEWREST_NOISES 2.0
/* A movement moves rest by no more than this, and only if the level (mean over so many s) was below so
 * many times rest before it: what had begun to rise was something else. In that mean nothing counts for
 * more than the last, so that the movement's own first burst, which comes before its slow voltage, is no
 * rise. Chosen. */
#define TUNING_NEWREST_MOTION_MAX 3.0
#define TUNING_NEWREST_CALM_S 3.0
#define TUNING_NEWREST_CALM_RATIO 1.25
#define TUNING_NEWREST_CALM_RATIO_MAX 1.5
/* An electrode that was off for so long that its rest was forgotten comes back to about that rest: where
 * rest has fallen below the first share of it, and slow voltage of the second share of the muscle's
 * level is seen, a level within so many times that rest is known, and taken for rest after so many s.
 * Chosen: with the shares at 0.5 and 0.2 weak cramps with a movement were taken for one. */
#define TUNING_NEWREST_KNOWN_FALL_SHARE 0.33
#define TUNING_NEWREST_KNOWN_SHARE 0.8
#define TUNING_NEWREST_KNOWN_RATIO 1.4
#define TUNING_NEWREST_KNOWN_S 3.0
/* Whatever came before: a level below so many times rest that keeps within so many times itself for so
 * long, s, is no cramp, which is twice rest at least and waxes and wanes. Chosen. */
#define TUNING_NEWREST_LONG_MAX 2.0
#define TUNING_NEWREST_LONG_RATIO 1.2
#define TUNING_NEWREST_LONG_S 20.0

/* --- Onset --- */

/* The onset lies where the level was last below this many times rest, or this many times what is usual
 * at rest. */
#define TUNING_ONSET_RATIO 1.10
#define TUNING_ONSET_USUAL 1.04
#define TUNING_ONSET_RATIO_MAX 1.6
/* For abrupt onsets: the envelope's own crossing of so many times rest, if within so many ms after.
 * Chosen. */
#define TUNING_ONSET_ABRUPT_RATIO 1.5
#define TUNING_ONSET_ABRUPT_MS 1500
/* .. and if it then takes up to so many ms to this level over rest, activity is extended from both in a
 * line to zero. Chosen. */
#define TUNING_ONSET_STEEP_RATIO 3.0
#define TUNING_ONSET_STEEP_MS 6000
/* For slow ones: activity is extended in a line from two levels over rest to zero, at most this far, ms.
 * Chosen. */
#define TUNING_ONSET_RAMP_RATIO 2.0
#define TUNING_ONSET_RAMP_MS 12000

/* --- Episode --- */

/* Severity by the highest level over rest: see enum detector_severity. */
#define TUNING_MODERATE_RATIO 3.2
#define TUNING_STRONG_RATIO 8.0
/* The activity is over below rest + share x (episode's level - rest), never below the ratio: after real
 * cramps the level stayed near twice rest (Chaney & Sherman). The figures are chosen. */
#define TUNING_END_SHARE 0.35
#define TUNING_END_RATIO 1.5
/* Below this share of the episode's rest it is no muscle: the electrode is off. Chosen, as for the
 * memory of rest. */
#define TUNING_END_OFF_SHARE 0.5
/* Another channel at so many times its rest, with as much evidence as an alert takes, goes on when the
 * first has ended. Chosen: the smallest cramp. */
#define TUNING_END_GOES_ON_RATIO 2.0
/* How fast the episode's level follows the level up and down, s. Chosen: units drop in and out (Minetto
 * 2011: one unit lasts 29.5 s). */
#define TUNING_EPISODE_RISE_S 2.0
#define TUNING_EPISODE_FALL_S 60.0
/* Absence needed, s; time above the threshold takes this share of itself away again. Chosen: a dip of a
 * few seconds does not split, walking afterwards (calf active under half of the time) does not prolong
 * for ever. */
#define TUNING_END_HOLD_S 5.0
#define TUNING_END_RETURN 0.5
/* A level that has kept within this ratio over so many ten-second means is a new floor, not a muscle.
 * Chosen; the longer time is the longest duration of a cramp in the consensus criteria (Hallegraeff
 * 2017: 10 min). */
#define TUNING_STEADY_MEAN_MS 10000
#define TUNING_STEADY_MEANS 60u
#define TUNING_STEADY_SHORT_MEANS 30u
#define TUNING_STEADY_SHORT_RATIO 1.10
#define TUNING_STEADY_RATIO 1.30
/* Recovered when the level is below so many times rest for so many s. Chosen. */
#define TUNING_RECOVERED_RATIO 1.5
#define TUNING_RECOVERED_S 2.0

/* One cramp lowers the threshold for at least 60 min (Central Michigan Univ. 2017, Muscle Nerve
 * 56:E95-E99: 18 to 14 Hz): for so long after one, an alert takes this share of the evidence. The share
 * is chosen; what was shorter than this, ms, may have been none. */
#define TUNING_AGAIN_MS 3600000
#define TUNING_AGAIN_FACTOR 0.95
#define TUNING_AGAIN_LEAST_MS 20000

/* --- Gaps --- */

/* Up to the first the evidence stays as it is; beyond it runs are broken; beyond the second a cramp
 * ends; beyond the third the sensor may sit elsewhere and rest is learnt anew. ms, chosen. */
#define TUNING_GAP_SHORT_MS 1000
#define TUNING_GAP_LOST_MS 30000
#define TUNING_GAP_FORGET_MS 300000
