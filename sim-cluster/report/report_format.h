/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * report_format.h: numbers with units, for reading: three significant digits
 * and a fitting prefix. Integer arithmetic, rounded half up. All return new
 * strings.
 */
#ifndef OUTRIGGER_REPORT_FORMAT_H
#define OUTRIGGER_REPORT_FORMAT_H

#include <stdint.h>

#include <glib.h>

char *format_ps(uint64_t ps);             /* "85.3 us", "1.20 s" */
char *format_bytes(uint64_t bytes);       /* "4 KiB", "1.50 GiB" */
char *format_bytes_per_s(uint64_t bytes); /* "48.8 MiB/s" */
char *format_count(uint64_t n);           /* "950", "12.3k", "1.20M" */
char *format_iops(uint64_t n);            /* "12.3k IOPS" */
char *format_exact(uint64_t n);           /* "1 234 567", thin spaces */
/* Percentile axis: @n is 1/(1-p); 1000 reads "99.9 %". */
char *format_percentile(uint64_t n);

/* @unit is a base unit's name: "ps", "bytes", "bps", "ppm", "count", "iops",
 * "bool"; any other one is written after the number. */
char *format_in_unit(int64_t value, const char *unit);

/* @events within @span_ps as a rate a second. 0 for no time. */
uint64_t rate_per_s(uint64_t events, uint64_t span_ps);

#endif
