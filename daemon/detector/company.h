/* SPDX-License-Identifier: MIT */
/*
 * What one sensor's detector tells those of its owner's other sensors, as whole numbers, so that it can
 * be recorded exactly. Needs detector.h; called by detector.c, and through detector.h by those who join
 * detectors.
 */
#pragma once

#include <stdint.h>

/* -1 for what is not known, and no more than DETECTOR_COMPANY_MAX. */
int32_t company_clamp(int32_t percent);
