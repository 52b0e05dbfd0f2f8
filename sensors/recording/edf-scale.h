/* SPDX-License-Identifier: MIT */
/*
 * A scale as a text that gives back every bit of it, whatever the locale: whole numbers alone. For a
 * header field of EDF+, whose own numbers have eight characters. Needs libm; called by who writes files
 * and by edf.c.
 */
#pragma once

#define EDF_SCALE_SIZE 64u

/* "1 count = 4503599627370496 x 2^-54", in the signal's unit; positive and finite. */
void edf_scale_format(double scale, char ret[static EDF_SCALE_SIZE]);
/* What such a text says; 0 if it is none. */
double edf_scale_parse(const char *text);
