/* SPDX-License-Identifier: MIT */
/*
 * Every constant of the signal model, with its unit and where it comes from. "Choice" marks what no
 * source gives; the README says what a choice was compared with. Used by the generator only.
 *
 * "Santuz gait" is the walking recording of Santuz et al. (package musclesyneRgies, participant ID0012,
 * MIT licence): its levels were measured (50 ms RMS of 20-450 Hz, mean of 5 strides), no sample of it is
 * here.
 */
#pragma once

/* Motor-unit pool and rate coding: Fuglevand, Winter and Patla 1993, J Neurophysiol 70:2470. Thresholds
 * and sizes are exponential between the smallest unit and the largest; a unit's rate grows with
 * excitation above its threshold. */
#define MODEL_UNITS 120
#define MODEL_RECRUITMENT_RANGE 30.0
#define MODEL_SIZE_RANGE 100.0
#define MODEL_MINIMUM_RATE_HZ 8.0
#define MODEL_PEAK_RATE_HZ 35.0      /* of the first unit */
#define MODEL_PEAK_RATE_FALL_HZ 10.0 /* by which the last unit's is lower */
#define MODEL_RATE_GAIN 1.0          /* Hz per unit of excitation */
#define MODEL_INTERVAL_CV 0.2        /* of the time between discharges, Gaussian */

/* Units in a cramp discharge at 20.0 +- 5.9 pps and are active for 29.5 +- 21.8 s each: Minetto,
 * Holobar, Botter and Farina 2011, J Physiol 589:5759. The limits, about 2.4 SD, are a choice. */
#define MODEL_CRAMP_RATE_HZ 20.0
#define MODEL_CRAMP_RATE_SD_HZ 5.9
#define MODEL_CRAMP_RATE_MIN_HZ 6.0
#define MODEL_CRAMP_RATE_MAX_HZ 40.0
#define MODEL_CRAMP_ACTIVE_S 29.5
#define MODEL_CRAMP_ACTIVE_SD_S 21.8
/* More variable than at will, and faster for the first 30 s: Ross and Thomas 1995, Brain 118:983. By how
 * much is a choice. */
#define MODEL_CRAMP_INTERVAL_CV 0.3
#define MODEL_CRAMP_RATE_EARLY 0.15
#define MODEL_CRAMP_RATE_EARLY_S 30.0
/* Choice: waxing and waning moves the rates by no more than this. */
#define MODEL_CRAMP_WAVE_MIN 0.2
#define MODEL_CRAMP_WAVE_MAX 3.0
/* Choice: a unit carries at most 1/6 of the power, because many units share a cramp. */
#define MODEL_CRAMP_UNIT_SHARE 6.0

/* Surface potential of a unit: a few derivatives of Gaussians, spread in time as its end plates are in
 * space. Median frequency: a choice within the 80-107 Hz of the Santuz gait; the largest potential: so
 * that a full contraction reaches some 300 uV RMS; the rest are choices (a spread of 0.8 ms is an
 * end-plate zone of 3 mm at 4 m/s). */
#define MODEL_POTENTIAL_MEDIAN_HZ 118.0
#define MODEL_POTENTIAL_MEDIAN_CV 0.55 /* between the parts, slow and quick, of a potential */
#define MODEL_POTENTIAL_MEDIAN_MIN_HZ 45.0
#define MODEL_POTENTIAL_MEDIAN_MAX_HZ 350.0
#define MODEL_POTENTIAL_PARTS 4
#define MODEL_POTENTIAL_SPREAD_S 0.0008
#define MODEL_POTENTIAL_LARGEST_UV 260.0
#define MODEL_POTENTIAL_DEPTH_CV 0.4
#define MODEL_REFRACTORY_S 0.004

/* Fasciculations, unless a script says how many: a choice, far below the 40.5 a minute of ALS (Bashford
 * et al. 2020, Clin Neurophysiol). */
#define MODEL_FASCICULATION_PER_MINUTE 6.0

/* Crosstalk as a share of the other muscle's amplitude: 2-15 %, choice; the heads of the calf get the
 * upper half. */
#define MODEL_CROSSTALK_MIN 0.02
#define MODEL_CROSSTALK_MAX 0.15

/* Rest noise: white (amplifier), and below a corner 1 + rise times as strong (electrode and skin),
 * unless asked otherwise. Choice: its median of 176 Hz was compared with the 200 Hz of a calf at rest
 * under a 10-bit sensor. */
#define MODEL_NOISE_CORNER_HZ 50.0
#define MODEL_NOISE_RISE 1.5
/* The band in which a rest level is meant: 20 Hz up to 450 Hz or 0.45 of the rate. */
#define MODEL_BAND_LOW_HZ 20.0
#define MODEL_BAND_HIGH_HZ 450.0
#define MODEL_BAND_HIGH_SHARE 0.45

/* Mains: slow drifts of frequency (SD; a grid is mostly within 0.1 Hz) and amplitude (relative SD).
 * Choices. */
#define MODEL_MAINS_DRIFT_HZ 0.03
#define MODEL_MAINS_SWING 0.15

/* Movement artefact: slow electrode voltage as a share of the muscle's level. Shares and corner are
 * choices; the band below 20 Hz is where De Luca et al. 2010, J Biomech 43:1573, have it filtered away.
 */
#define MODEL_ARTEFACT_MOVEMENT 0.5
#define MODEL_ARTEFACT_WALK 0.15
#define MODEL_ARTEFACT_CORNER_HZ 4.0

/* Slow waxing and waning of steady activity; the same in cramps and holds, so that it tells nothing.
 * Choice. */
#define MODEL_ROUGHNESS_LOW_HZ 0.3
#define MODEL_ROUGHNESS_HIGH_HZ 1.5
#define MODEL_ROUGHNESS 0.18

/* Standing at ease: the soleus works most, steadily and softly; level and shares are choices (activity.c
 * has the shares). */
#define MODEL_STAND_UV 20.0

/* Movements in bed: the level between bursts as a share of theirs, for `tonic` 0 and 1. Choices. */
#define MODEL_MOVEMENT_TONIC_MIN 0.12
#define MODEL_MOVEMENT_TONIC_MAX 1.0

/* Heart: five Gaussians for P, Q, R, S and T (the form is that of McSharry et al. 2003, IEEE Trans
 * Biomed Eng 50:289); beats 60 +- 8 a minute, varying by 4 % with the breath of 0.25 Hz and 3 % at
 * random. All values are choices; a calf is far from the heart and sees microvolts. */
#define MODEL_HEART_PER_MINUTE 60.0
#define MODEL_HEART_PER_MINUTE_SD 8.0
#define MODEL_HEART_PER_MINUTE_MIN 42.0
#define MODEL_HEART_PER_MINUTE_MAX 90.0
#define MODEL_HEART_BREATH 0.04
#define MODEL_HEART_BREATH_HZ 0.25
#define MODEL_HEART_JITTER 0.03
/* Share of the strongest channel's that another sees. Choice. */
#define MODEL_HEART_SHARE_MIN 0.4

/* Cable rub: strokes of slow voltage with crackle. De Luca et al. 2010 have movement artefact mostly
 * below 20 Hz; level, strokes and crackle are choices. */
#define MODEL_RUB_UV 150.0
#define MODEL_RUB_CORNER_HZ 8.0
#define MODEL_RUB_STROKE_S 0.4      /* mean length; pauses are as long */
#define MODEL_RUB_CRACKLE_PER_S 6.0 /* within a stroke */
#define MODEL_RUB_CRACKLE_DECAY_S 0.004

/* A tone from another device (a charger, a motor, a packet clock): choices. Its second harmonic as a
 * share, its strength's slow swing (SD). */
#define MODEL_TONE_HZ 83.0
#define MODEL_TONE_SECOND 0.25
#define MODEL_TONE_SWING 0.1

/* Electrode off: an amplifier with nothing on it has 1.3-1.6 uV RMS, flat (measured on the unconnected
 * channel of da Silva et al. 2024, Biomed Signal Process Control 88:105635). Or it picks up mains: by
 * how much is a choice, as is the jump when contact is lost or made. */
#define MODEL_LIFT_UV 1.5
#define MODEL_HUM_UV 400.0
#define MODEL_LIFT_JUMP_UV 1500.0
#define MODEL_LIFT_JUMP_S 0.3

/* Accelerometer: values a second and noise as such parts have them; how the leg shakes is a choice
 * throughout (motion.c has the strengths). */
#define MODEL_MOTION_HZ 50
#define MODEL_MOTION_NOISE_G 0.002
#define MODEL_MOTION_SCALE_G 0.001 /* per count */
#define MODEL_MOTION_RANGE_G 8
#define MODEL_MOTION_SHAKE_HZ 3.0
#define MODEL_MOTION_TREMOR_HZ 10.0
#define MODEL_MOTION_STRIKE_G 0.7
#define MODEL_MOTION_STRIKE_HZ 12.0
#define MODEL_MOTION_STRIKE_S 0.06
#define MODEL_MOTION_SWING_G 0.35

/* Lost packets: a packet is 20 ms, lost ones come in runs with this mean. Choices. */
#define MODEL_LOSS_PER_MINUTE 6.0
#define MODEL_PACKET_S 0.02
#define MODEL_LOSS_RUN 3.0

/* Walking: stride time measured on the Santuz gait (5 strides: 1.03-1.05 s), as the muscles' profiles in
 * activity.c; the spread between strides is a choice. */
#define MODEL_STRIDE_S 1.04
#define MODEL_STRIDE_CV 0.03
#define MODEL_STRIDE_LEVEL_CV 0.15

/* Nights from real pieces (splice.c): they fade into each other over this time, and lose what lies below
 * the muscle's band. Choices. */
#define MODEL_SPLICE_FADE_S 0.25
#define MODEL_SPLICE_HIGHPASS_HZ 15.0

/* Nights at home (script-home.c): what is drawn for all of them alike. Roughness: the range that both
 * cramps and what is none are to cover. Cramps: the median of the time at the height of the cramp is
 * that of Minetto et al. 2011, the spread such that some last 10 min (consensus criterion, Hallegraeff
 * et al. 2017). The rest are choices. */
#define MODEL_HOME_ROUGHNESS_MIN 0.10
#define MODEL_HOME_ROUGHNESS_MAX 0.47
/* In a cramp the drive takes so much more (at the most roughness, with its square below) to be measured
 * as rough as a hold: its units fire within a narrow range. Measured on this model. */
#define MODEL_HOME_ROUGHNESS_CRAMP 0.38
#define MODEL_HOME_CRAMP_S 55.6
#define MODEL_HOME_CRAMP_SIGMA 0.9
#define MODEL_HOME_TONIC_SHARE 0.1 /* of the movements that are pushes */
#define MODEL_HOME_TONIC_MIN 0.2
#define MODEL_HOME_TONIC_MAX 0.6
#define MODEL_HOME_STEP_SHARE 0.1 /* of the movements that shift an electrode */
#define MODEL_HOME_HOLDS_PER_HOUR 0.2

/* Resolution of envelopes and of the drive. */
#define MODEL_ENVELOPE_HZ 100
#define MODEL_TICKS_PER_S 200
/* Slower rates are generated at a multiple of at least this and decimated, as a sensor's own filter
 * would. */
#define MODEL_INTERNAL_MIN_HZ 1000
