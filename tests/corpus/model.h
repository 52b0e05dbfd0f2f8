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

/* Motor-unit pool and rate coding: Fuglevand, Winter and Patla 1993, J Neurophysiol 70:2470. */
#define MODEL_UNITS 120              /* motor units in a pool */
#define MODEL_RECRUITMENT_RANGE 30.0 /* highest / lowest recruitment threshold, exponential between */
#define MODEL_SIZE_RANGE 100.0 /* largest / smallest unit (twitch force; fibres), exponential between \
                                */
#define MODEL_MINIMUM_RATE_HZ 8.0    /* at recruitment */
#define MODEL_PEAK_RATE_HZ 35.0      /* of the first unit */
#define MODEL_PEAK_RATE_FALL_HZ 10.0 /* by which the last unit's peak is lower */
#define MODEL_RATE_GAIN 1.0          /* Hz per unit of excitation */
#define MODEL_INTERVAL_CV 0.2        /* of the time between discharges, Gaussian */

/* Cramp: a changing set of units. */
#define MODEL_CRAMP_RATE_HZ 20.0 /* Minetto et al. 2011, J Physiol 589:5759: 20.0 +- 5.9 pps */
#define MODEL_CRAMP_RATE_SD_HZ 5.9
#define MODEL_CRAMP_RATE_MIN_HZ 6.0 /* choice: keeps the normal deviate within 2.4 SD */
#define MODEL_CRAMP_RATE_MAX_HZ 40.0
#define MODEL_CRAMP_ACTIVE_S 29.5 /* Minetto et al. 2011: one unit is active for 29.5 +- 21.8 s */
#define MODEL_CRAMP_ACTIVE_SD_S 21.8
#define MODEL_CRAMP_INTERVAL_CV \
        0.3 /* Ross and Thomas 1995, Brain 118:983: more variable; the figure is a choice */
#define MODEL_CRAMP_RATE_EARLY \
        0.15 /* Ross and Thomas 1995: higher for the first 30 s; the figure is a choice */
#define MODEL_CRAMP_RATE_EARLY_S 30.0
#define MODEL_CRAMP_UNIT_SHARE \
        6.0 /* choice: no unit carries more than 1/6 of the power, as many share a cramp */

/* Surface potential of a unit: a few Gaussian derivatives, spread as its end plates are. */
#define MODEL_POTENTIAL_MEDIAN_HZ 92.0 /* choice within the 80-107 Hz of the calf in the Santuz gait */
#define MODEL_POTENTIAL_WIDTH_CV 0.2   /* choice: depth and fibre speed differ between units */
#define MODEL_POTENTIAL_PARTS 4        /* choice */
#define MODEL_POTENTIAL_SPREAD_S \
        0.0008 /* choice: SD of the parts' arrival; 3 mm of end-plate zone at 4 m/s */
#define MODEL_POTENTIAL_LARGEST_UV 260.0 /* choice: a full contraction then reaches some 300 uV RMS */
#define MODEL_POTENTIAL_DEPTH_CV 0.4     /* choice: scatter of amplitude with depth */
#define MODEL_REFRACTORY_S 0.004         /* choice: shortest time between two discharges of a unit */

/* Fasciculations: single discharges of one unit. */
#define MODEL_FASCICULATION_PER_MINUTE \
        6.0 /* choice; in ALS 40.5/min (Bashford 2020), healthy sleepers far fewer */

/* Crosstalk, as a share of the other channel's amplitude. */
#define MODEL_CROSSTALK_MIN 0.02 /* 2-15 %, asked of the corpus; near muscles get the upper half */
#define MODEL_CROSSTALK_MAX 0.15

/* Rest noise: white (amplifier) with a rise below a corner (electrode and skin). */
#define MODEL_NOISE_CORNER_HZ 50.0 /* choice */
#define MODEL_NOISE_RISE 1.5       /* choice: amplitude far below the corner is 1 + this */
#define MODEL_BAND_LOW_HZ \
        20.0 /* the band in which rest level is meant: 20 Hz .. 450 Hz or 0.45 x rate */
#define MODEL_BAND_HIGH_HZ 450.0
#define MODEL_BAND_HIGH_SHARE 0.45

/* Mains pick-up. */
#define MODEL_MAINS_DRIFT_HZ 0.03 /* SD of the slow drift; European grids stay within 0.2 Hz (ENTSO-E) \
                                   */
#define MODEL_MAINS_SWING 0.15    /* choice: slow relative change of the amplitude */

/* Movement artefact: slow electrode voltage, as a share of the muscle level. */
#define MODEL_ARTEFACT_SHARE 0.6 /* choice */
#define MODEL_ARTEFACT_CORNER_HZ \
        4.0 /* choice: energy below 20 Hz, De Luca et al. 2010, J Biomech 43:1573 */

/* Slow waxing and waning of steady activity; the same in cramps and holds, so that it tells nothing. */
#define MODEL_ROUGHNESS_LOW_HZ 0.3 /* asked of the corpus: 0.1-0.35 at 0.3-1.5 Hz */
#define MODEL_ROUGHNESS_HIGH_HZ 1.5
#define MODEL_ROUGHNESS 0.18

/* Walking: stride time, spread and muscle profiles measured on the Santuz gait. */
#define MODEL_STRIDE_S 1.04
#define MODEL_STRIDE_CV 0.03
#define MODEL_STRIDE_LEVEL_CV 0.15

/* Resolution of envelopes and of the drive. */
#define MODEL_ENVELOPE_HZ 100
#define MODEL_TICKS_PER_S 200
/* Slower rates are generated at a multiple of at least this and decimated, as a sensor's own filter
 * would. */
#define MODEL_INTERNAL_MIN_HZ 1000
