/* SPDX-License-Identifier: MIT */
/*
 * The past in pictures on a terminal: a calendar of nights, rates with their intervals, hours of the
 * night and lengths. Characters tell what colours tell too. Pure; called by history.c.
 */
#pragma once

#include <stdio.h>

#include "dbus/crampctl/tally.h"

struct picture {
        FILE *file;
        unsigned columns; /* of the terminal */
        bool colour;
        bool utf8;
        bool legend;
};

/* Below this nothing can be drawn. */
#define PICTURE_COLUMNS_MIN 40u

/* Weeks that a calendar of nights holds in so many columns. */
unsigned picture_weeks(unsigned columns);

void picture_draw(const struct picture *picture, const struct tally *tally);
