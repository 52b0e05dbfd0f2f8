/* SPDX-License-Identifier: MIT */
/*
 * Sine and cosine from the four basic operations alone, because those of libm differ in their last bit
 * between machines and the detector must not. Needs nothing; used for filter design and transforms.
 */
#pragma once

#define TRIGONOMETRY_TURN 6.283185307179586476925286766559

/* Both of an angle in turns (1 = a full circle), within 2e-15 for |turns| below 2^31. */
void trigonometry_of_turns(double turns, double *ret_sine, double *ret_cosine);
