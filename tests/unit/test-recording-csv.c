/* SPDX-License-Identifier: MIT */
/* CSV recordings: what is taken from which columns, the rate and gaps of a time column, exact counts,
 * clear refusals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/recording-files.h"

static const struct recording_options at_1000_hz = {.rate_hz = 1000};

static const char *text_write(void **state, const char *text) {
        return file_write(state, "night.csv", text, strlen(text));
}

/* Opens `text`, reads it in blocks of two frames and compares all counts. */
static void counts_check(void **state, const char *text, const struct recording_options *options,
                         const int32_t *expected, size_t frames, size_t channels) {
        struct recording *recording = recording_expect(text_write(state, text), options);
        struct recording_error error = {{0}};
        int32_t counts[16];
        uint64_t index;
        size_t frame = 0;
        ssize_t got;

        assert_int_equal(recording_channels(recording), channels);
        while ((got = recording_read(recording, &index, counts, 2, &error)) > 0) {
                assert_int_equal(index, frame);
                for (size_t i = 0; i < (size_t)got * channels; i++)
                        assert_int_equal(counts[i], expected[frame * channels + i]);
                frame += (size_t)got;
        }
        if (got < 0)
                fail_msg("%s", error.text);
        assert_int_equal(frame, frames);
        recording_free(recording);
}

#define COUNTS_CHECK(text, options, channels, ...)                             \
        counts_check(state, (text), (options), (const int32_t[]){__VA_ARGS__}, \
                     sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t) / (channels), (channels))

/* Opens `text` and expects these labels to be taken and left out, each list joined by "|". */
static void columns_check(void **state, const char *text, const struct recording_options *options,
                          const char *taken, const char *left_out) {
        struct recording *recording = recording_expect(text_write(state, text), options);
        char joined[256] = "";

        for (size_t i = 0; i < recording_channels(recording); i++) {
                strcat(joined, i > 0 ? "|" : "");
                strcat(joined, recording_channel(recording, i)->label);
        }
        assert_string_equal(joined, taken);
        joined[0] = '\0';
        for (const char *const *name = recording_left_out(recording); *name; name++) {
                strcat(joined, *joined ? "|" : "");
                strcat(joined, *name);
        }
        assert_string_equal(joined, left_out);
        recording_free(recording);
}

static void test_forms(void **state) {
        COUNTS_CHECK("GM\n1\n-2.5\n0.005\n", &at_1000_hz, 1, 100, -250, 1);
        COUNTS_CHECK("GM\r\n1\r\n2", &at_1000_hz, 1, 100, 200);
        COUNTS_CHECK("\xef\xbb\xbfGM,GL\n1,2\n3,4\n\n", &at_1000_hz, 2, 100, 200, 300, 400);
        COUNTS_CHECK("# made by hand\n\nGM;GL\n1;2\n# a pause\n3e0;4E-1\n  \n", &at_1000_hz, 2, 100, 200,
                     300, 40);
        COUNTS_CHECK("GM\tGL, lateral\n1\t 2\n3 \t4\n", &at_1000_hz, 2, 100, 200, 300, 400);
        COUNTS_CHECK("\"GM\" , \"GL, \"\"left\"\"\"\n\"1\", \"2\" \n 3 ,4\n", &at_1000_hz, 2, 100, 200,
                     300, 400);
}

static void test_units(void **state) {
        COUNTS_CHECK("a_uV,b_mV,c_V\n1.234,1.234,0.001234\n-1e-3,-1e-3,1e-9\n", &at_1000_hz, 3, 123,
                     123400, 123400, 0, -100, 0);
        COUNTS_CHECK("a (uV),b [mV]\n1,1\n", &at_1000_hz, 2, 100, 100000);
        COUNTS_CHECK("a_\xc2\xb5V\n1\n", &at_1000_hz, 1, 100);
        COUNTS_CHECK("a\n0.5\n", (&(struct recording_options){.rate_hz = 1000, .unit = "mV"}), 1, 50000);
        COUNTS_CHECK("a\n0.5\n", (&(struct recording_options){.rate_hz = 1000, .unit = "V"}), 1,
                     50000000);
        COUNTS_CHECK("a\n2055.0\n-3\n", (&(struct recording_options){.rate_hz = 1000, .unit = "counts"}),
                     1, 2055, -3);
        COUNTS_CHECK("adc_counts\n2055\n", &at_1000_hz, 1, 2055);
        /* The name's unit outranks the option. */
        COUNTS_CHECK("a_mV\n1\n", (&(struct recording_options){.rate_hz = 1000, .unit = "V"}), 1,
                     100000);
}

static void test_scales(void **state) {
        struct recording *recording = recording_expect(text_write(state, "a_mV\n1\n"), &at_1000_hz);

        assert_float_equal(recording_channel(recording, 0)->scale_uv, 0.01, 1e-9);
        assert_false(recording_channel(recording, 0)->arbitrary);
        assert_int_equal(recording_start_us(recording), 0);
        recording_free(recording);

        recording = recording_expect(text_write(state, "a_counts\n1\n"), &at_1000_hz);
        assert_float_equal(recording_channel(recording, 0)->scale_uv, 1, 1e-9);
        assert_true(recording_channel(recording, 0)->arbitrary);
        recording_free(recording);
}

static void test_what_is_taken(void **state) {
        columns_check(state, "VL,BF,TA\n1,1,1\n", &at_1000_hz, "VL|BF|TA", "");
        columns_check(state, "time_s,GM_uV,angle_deg,marker\n0,1,x,y\n", &at_1000_hz, "GM_uV",
                      "angle_deg|marker");
        columns_check(state, "emg_TA_V_at_adc,ankle_angle_deg,torque_Nm\n0,1,1\n",
                      &(struct recording_options){.rate_hz = 2000, .unit = "V"}, "emg_TA_V_at_adc",
                      "ankle_angle_deg|torque_Nm");
        /* Where some say volts, those that say nothing are something else, unless a unit is given for
         * them. */
        columns_check(state, "GM_uV,battery\n1,1\n", &at_1000_hz, "GM_uV", "battery");
        columns_check(state, "GM_uV,GL\n1,1\n",
                      &(struct recording_options){.rate_hz = 1000, .unit = "mV"}, "GM_uV|GL", "");
        columns_check(state, "GM_uV,raw_counts\n1,1\n", &at_1000_hz, "GM_uV", "raw_counts");
        columns_check(state, ",Time,Sample,GM\n0,0,0,1\n", &at_1000_hz, "GM", "column 1|Sample");
        columns_check(state, "EMG_A,EMG_C,EMG_L\n0,0,0\n", &at_1000_hz, "EMG_A|EMG_C|EMG_L", "");
}

static void test_choice(void **state) {
        static const char text[] = "time_s,GM_uV,GL_uV,acc_g\n0,1,2,3\n";

        columns_check(state, text, &(struct recording_options){1000, NULL, (const char *[]){"GL", NULL}},
                      "GL_uV", "GM_uV|acc_g");
        columns_check(state, text,
                      &(struct recording_options){1000, NULL, (const char *[]){"GM_uV", "2", NULL}},
                      "GM_uV|GL_uV", "acc_g");
        columns_check(state, text,
                      &(struct recording_options){1000, NULL, (const char *[]){"acc_g", NULL}}, "acc_g",
                      "GM_uV|GL_uV");
        /* A name that looks like a number is a name first. */
        columns_check(state, "x,2,1\n0,0,0\n",
                      &(struct recording_options){1000, NULL, (const char *[]){"2", NULL}}, "2", "x|1");
        refusal_check(text_write(state, text),
                      &(struct recording_options){1000, NULL, (const char *[]){"SO", NULL}}, -EBADMSG,
                      "no channel \"SO\"", "choose from 1 GM_uV, 2 GL_uV, 3 acc_g");
        refusal_check(text_write(state, text),
                      &(struct recording_options){1000, NULL, (const char *[]){"0", NULL}}, -EBADMSG,
                      "no channel \"0\"", "choose from");
}

/* Writes `rows` rows with the times of a sensor at `rate_hz`, without those that `missing` names. */
static const char *clocked_write(void **state, double rate_hz, double start_s, int decimals,
                                 unsigned rows, unsigned missing, unsigned missing_rows) {
        const char *path = file_path(state, "clocked.csv");
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fprintf(file, "time_s,GM\n");
        for (unsigned i = 0; i < rows; i++)
                if (i < missing || i >= missing + missing_rows)
                        fprintf(file, "%.*f,%u\n", decimals, start_s + i / rate_hz, i);
        assert_int_equal(fclose(file), 0);
        return path;
}

/* The value of each row is its frame number, so that index and value must agree. */
static void clock_check(const char *path, uint32_t rate_mhz, uint64_t frames, unsigned blocks) {
        struct recording *recording = recording_expect(path, NULL);
        static int32_t counts[5000];
        struct recording_error error = {{0}};
        uint64_t index, total = 0;
        unsigned block = 0;
        ssize_t got;

        assert_int_equal(recording_rate_mhz(recording), rate_mhz);
        while ((got = recording_read(recording, &index, counts, ARRAY_LENGTH(counts), &error)) > 0) {
                for (size_t i = 0; i < (size_t)got; i++)
                        assert_int_equal(counts[i], (index + i) * 100);
                total += (uint64_t)got;
                block++;
        }
        if (got < 0)
                fail_msg("%s", error.text);
        assert_int_equal(total, frames);
        assert_int_equal(block, blocks);
        recording_free(recording);
}

static void test_rates(void **state) {
        /* However the times are rounded, the rate is found: 600 Hz in milliseconds steps by 1 and 2, 900
         * Hz by 1 and 2 too, but then 2 is no gap. */
        static const struct {
                double rate_hz;
                int decimals;
                uint32_t rate_mhz;
        } rates[] = {
                {1000, 3, 1000000}, {1000, 6, 1000000}, {500, 3, 500000},  {250, 4, 250000},
                {1024, 6, 1024000}, {600, 3, 600000},   {900, 3, 900000},  {800, 4, 800000},
                {1920, 4, 1920000}, {2000, 9, 2000000}, {200, 17, 200000}, {1259.259, 9, 1259259},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rates); i++) {
                clock_check(clocked_write(state, rates[i].rate_hz, 0, rates[i].decimals, 10000, 0, 0),
                            rates[i].rate_mhz, 10000, 2);
                clock_check(
                        clocked_write(state, rates[i].rate_hz, 41.25, rates[i].decimals, 10000, 0, 0),
                        rates[i].rate_mhz, 10000, 2);
        }
}

/* Eight hours would be 28.8 million rows; a rate that is off by a little shows in 100 000 too. */
static void test_long_run(void **state) {
        clock_check(clocked_write(state, 900, 0, 3, 100000, 0, 0), 900000, 100000, 20);
        clock_check(clocked_write(state, 1259.2592, 0, 6, 100000, 0, 0), 1259259, 100000, 20);
}

static void test_time_units(void **state) {
        struct recording *recording = recording_expect(
                text_write(state, "time_ms,GM\n14.0,1\n15.0,2\n16.0,3\n17.0,4\n"), NULL);

        assert_int_equal(recording_rate_mhz(recording), 1000000);
        recording_free(recording);
        recording =
                recording_expect(text_write(state, "GM;TIME_US\n1;1e3\n2;3e3\n3;5e3\n4;7e3\n"), NULL);
        assert_int_equal(recording_rate_mhz(recording), 500000);
        recording_free(recording);
}

static void test_gaps(void **state) {
        /* At the beginning, within what the rate is found from, at a block's edge, later; one frame or
         * many. */
        static const unsigned places[] = {1, 700, 5000, 9000};
        static const unsigned lengths[] = {1, 2, 999};

        for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
                for (size_t k = 0; k < ARRAY_LENGTH(lengths); k++) {
                        uint64_t frames = 12000 - lengths[k];
                        unsigned before = (places[i] + 4999) / 5000;
                        unsigned after = (unsigned)(frames - places[i] + 4999) / 5000;

                        clock_check(clocked_write(state, 1000, 0, 3, 12000, places[i], lengths[k]),
                                    1000000, frames, before + after);
                        clock_check(clocked_write(state, 1024, 0, 6, 12000, places[i], lengths[k]),
                                    1024000, frames, before + after);
                }
}

static void test_gap_index(void **state) {
        struct recording *recording = recording_expect(
                text_write(state, "time_s,GM\n0.000,1\n0.001,2\n0.002,3\n0.003,4\n0.0053,5\n0.0063,6\n"),
                NULL);
        struct recording_error error;
        int32_t counts[8];
        uint64_t index;

        /* 2.3 ms after the row before, where 1 is due: one frame is missing. */
        assert_int_equal(recording_read(recording, &index, counts, 8, &error), 4);
        assert_int_equal(index, 0);
        assert_int_equal(recording_read(recording, &index, counts, 8, &error), 2);
        assert_int_equal(index, 5);
        assert_int_equal(counts[0], 500);
        assert_int_equal(recording_read(recording, &index, counts, 8, &error), 0);
        assert_int_equal(recording_read(recording, &index, counts, 8, &error), 0);
        recording_free(recording);
}

static void test_rate_outranks_time(void **state) {
        COUNTS_CHECK("time_s,GM\n0,1\n5,2\n3,3\nx,4\n", &at_1000_hz, 1, 100, 200, 300, 400);
}

/* The rows before a fault are delivered, then the fault, and again if asked again. */
static void test_late_fault(void **state) {
        /* Beyond the rows that the rate is found from. */
        static char text[200000];
        size_t length = (size_t)snprintf(text, sizeof(text), "time_s,GM\n");
        struct recording *recording;
        struct recording_error error;
        static int32_t counts[20000];
        uint64_t index;

        for (unsigned i = 0; i < 9000; i++)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "%u.%03u,1\n", i / 1000,
                                           i % 1000);
        snprintf(text + length, sizeof(text) - length, "9.000,1\n8.999,1\n");
        recording = recording_expect(text_write(state, text), NULL);
        assert_int_equal(recording_read(recording, &index, counts, 20000, &error), 9001);
        for (int i = 0; i < 2; i++) {
                memset(&error, 0, sizeof(error));
                assert_int_equal(recording_read(recording, &index, counts, 20000, &error), -EBADMSG);
                assert_non_null(strstr(error.text, ":9003: time does not go on"));
        }
        recording_free(recording);
}

static void test_refused_rows(void **state) {
        static const struct {
                const char *text, *place, *remedy;
        } rows[] = {
                {"GM,GL\n1,2\n1,\n", ":3: column \"GL\": no value", "delete rows"},
                {"GM,GL\n1,2\nNaN,2\n", ":3: column \"GM\": no value", "time_s"},
                {"GM,GL\n1,2\n1\n", ":3: 1 column here, 2 in the header row", "complete or delete"},
                {"GM,GL\n1,2\n1,2,3\n", ":3: at least 3 columns here, 2 in the header row",
                 "complete or delete"},
                {"GM;GL\n1;2\n1,5;2\n", ":3: column \"GM\": \"1,5\" is not a number", "decimal point"},
                {"GM\n1\n1 uV\n", ":3: column \"GM\": \"1 uV\" is not a number", "without unit"},
                {"GM\n1\n22000000\n", ":3: column \"GM\": 22000000 is out of range", "--unit"},
                {"GM\n1\n1e30\n", ":3: column \"GM\": 1e30 is out of range", "--unit"},
                {"GM\n1\n\"2\n", ":3: column \"GM\": \"\"2\" is not a number", "decimal point"},
                {"GM\n1\n\x1b[31m\n", ":3: column \"GM\": \"?[31m\" is not a number", "decimal point"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
                const char *path = text_write(state, rows[i].text);
                struct recording *recording = recording_expect(path, &at_1000_hz);
                struct recording_error error = {{0}};
                int32_t counts[64];
                uint64_t index;

                assert_int_equal(recording_read(recording, &index, counts, 8, &error), 1);
                assert_int_equal(recording_read(recording, &index, counts, 8, &error), -EBADMSG);
                if (!strstr(error.text, rows[i].place) || !strstr(error.text, rows[i].remedy))
                        fail_msg("not as expected: %s", error.text);
                recording_free(recording);
        }
}

static void test_refused_files(void **state) {
        static const struct {
                const char *text;
                double rate_hz;
                const char *place, *remedy;
        } files[] = {
                {"1,2\n3,4\n", 1000, ":1: no header row", "names of the columns"},
                {"# Labels:= EMG\n2055.0\n2056.0\n", 1000, ":2: no header row", "time_s,GM_uV"},
                {"GM\n", 1000, "no numbers after the header", "again"},
                {"\n\n# x\n", 1000, "no header row and no numbers", "comments only"},
                {"touchdown_s,liftoff_s\n1,2\n", 1000, ":1: no column looks like a muscle signal",
                 "--channel"},
                {"GM\n1\n", 0, "no rate", "--rate HZ, or name the time column time_s"},
                {"timestamp,GM\n0,1\n", 0, "no rate", "time_s"},
                {"time,GM\n0,1\n", 0, "too few rows (1)", "--rate"},
                {"time,GM\n0,1\n1,1\n2,1\n3,1\n", 0, "the rate is 1 Hz", "time column"},
                {"time,GM\n22:30:01.001,1\n22:30:01.002,1\n", 0,
                 ":2: column \"time\": \"22:30:01.001\" is not a number", "--rate"},
                {"time_s,GM\n0,1\n0.001,1\n", 0, "too few rows (2)", "--rate"},
                {"time_s,GM\n0,1\n1,1\n2,1\n3,1\n", 0, "the rate is 1 Hz", "resample"},
                {"time_s,GM\n0,1\n1e-5,1\n2e-5,1\n3e-5,1\n", 0, "the rate is 100000 Hz", "resample"},
                {"GM\n1\n", 2001, "the rate is 2001 Hz", "resample"},
                {"GM\n1\n", 199, "the rate is 199 Hz", "resample"},
                {"GM\n1\n", -5, "the rate is -5 Hz", "correct --rate"},
                {"time_s,GM\n0.000,1\n0.001,1\n0.001,1\n0.002,1\n", 0, ":4: time does not go on",
                 "--rate"},
                {"time_s,GM\n0.000,1\n0.001,1\n0.0005,1\n0.002,1\n", 0, ":4: time does not go on",
                 "sort the rows"},
                {"time_s,GM\n0,1\n0.001,1\nx,1\n", 0, ":4: column \"time\": \"x\" is not a number",
                 "--rate"},
                {"time_s,GM\n0,1\n0.004,1\n0.005,1\n0.0051,1\n0.01,1\n0.011,1\n0.017,1\n", 0,
                 "unsteadily", "--rate"},
                {"time_s,GM\n0,1\n1e-3,1\n2e-3,1,1\n", 0, ":4: at least 3 columns here, 2 in",
                 "complete or delete"},
                {"GM,\"GL\n1,2\n", 1000, ":1: column 2: a quote is not closed", "close it"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
                refusal_check(text_write(state, files[i].text),
                              &(struct recording_options){.rate_hz = files[i].rate_hz}, -EBADMSG,
                              files[i].place, files[i].remedy);
        refusal_check(text_write(state, "a\n1\n"),
                      &(struct recording_options){.rate_hz = 1000, .unit = "nV"}, -EINVAL,
                      "unknown unit \"nV\"", "uV, mV, V or counts");
}

/* The first data row tells whether the first line is a header row at all. */
static void test_no_table(void **state) {
        static const char text[] =
                "File Name: stand.log\nChannel 4: 'Recto Femoral', 22124 values, mV\n0.1\t0.2\n";
        struct recording *recording = recording_expect(text_write(state, text), &at_1000_hz);
        struct recording_error error = {{0}};
        int32_t counts[8];
        uint64_t index;

        assert_int_equal(recording_read(recording, &index, counts, 8, &error), -EBADMSG);
        assert_non_null(strstr(error.text, ":2: "));
        assert_non_null(strstr(error.text, "the first line must name the columns"));
        recording_free(recording);
}

static void test_limits(void **state) {
        _cleanup_(freep) char *text = calloc(1, 300000);
        size_t length = 0;

        assert_non_null(text);
        memset(text, 'x', 70000);
        refusal_check(text_write(state, text), &at_1000_hz, -EBADMSG,
                      ":1: the line is longer than 65536 bytes", "LF");

        strcpy(text, "GM\n1\n");
        memset(text + 5, '1', 70000);
        refusal_check(text_write(state, text), &at_1000_hz, -EBADMSG, ":3: the line is longer", "LF");

        memset(text, 0, 300000);
        for (unsigned i = 0; i < 1100; i++)
                length += (size_t)sprintf(text + length, "c%u,", i);
        strcpy(text + length, "c\n1\n");
        refusal_check(text_write(state, text), &at_1000_hz, -EBADMSG, ":1: more than 1024 columns",
                      "export");

        memset(text, 0, 300000);
        length = 0;
        for (unsigned i = 0; i < 300; i++)
                length += (size_t)sprintf(text + length, "%sc%u", i > 0 ? "," : "", i);
        length += (size_t)sprintf(text + length, "\n1");
        for (unsigned i = 1; i < 300; i++)
                length += (size_t)sprintf(text + length, ",1");
        refusal_check(text_write(state, text), &at_1000_hz, -EBADMSG, "300 muscle signals, at most 256",
                      "--channel");
}

/* More than the reader's buffer, with lines across its edges and comments longer than it. */
static void test_big_file(void **state) {
        const char *path = file_path(state, "big.csv");
        FILE *file = fopen(path, "w");
        struct recording *recording;
        struct recording_error error;
        static int32_t counts[3 * 1000];
        uint64_t index, frame = 0;
        ssize_t got;

        assert_non_null(file);
        fprintf(file, "a,b,c\n");
        for (int i = 0; i < 100000; i++) {
                fprintf(file, "%d.%02d,-%d,7\n", i, i % 100, i % 1000);
                if (i == 70000)
                        for (int k = 0; k < 50000; k++)
                                fprintf(file, "# comment that makes the file a good deal longer\n");
        }
        assert_int_equal(fclose(file), 0);

        recording = recording_expect(path, &at_1000_hz);
        while ((got = recording_read(recording, &index, counts, 1000, &error)) > 0) {
                assert_int_equal(index, frame);
                for (size_t i = 0; i < (size_t)got; i++) {
                        int32_t n = (int32_t)(frame + i);

                        assert_int_equal(counts[3 * i], n * 100 + n % 100);
                        assert_int_equal(counts[3 * i + 1], -100 * (n % 1000));
                        assert_int_equal(counts[3 * i + 2], 700);
                }
                frame += (uint64_t)got;
        }
        assert_int_equal(got, 0);
        assert_int_equal(frame, 100000);
        recording_free(recording);
}

static void test_length_estimate(void **state) {
        const char *path = file_path(state, "even.csv");
        FILE *file = fopen(path, "w");
        struct recording *recording;

        assert_non_null(file);
        fprintf(file, "a name that is longer than the rows\n");
        for (int i = 0; i < 50000; i++)
                fprintf(file, "%06d\n", i);
        assert_int_equal(fclose(file), 0);
        recording = recording_expect(path, &at_1000_hz);
        assert_int_equal(recording_frames(recording), 50000);
        recording_free(recording);

        recording = recording_expect(text_write(state, "a\n1\n2\n3\n4"), &at_1000_hz);
        assert_int_equal(recording_frames(recording), 4);
        recording_free(recording);
}

/* Reads to the end in blocks of two rows and compares channels and accelerometer. */
static void motion_check(void **state, const char *text, const int32_t *expected, size_t rows,
                         size_t columns) {
        const struct recording_options options = {.rate_hz = 1000, .motion = true};
        struct recording *recording = recording_expect(text_write(state, text), &options);
        struct recording_error error = {{0}};
        int32_t counts[16];
        uint64_t index;
        size_t row = 0;
        ssize_t got;

        assert_int_equal(recording_columns(recording), columns);
        assert_int_equal(recording_motion_scale_g(recording) > 0, columns == 4);
        while ((got = recording_read(recording, &index, counts, 2, &error)) > 0) {
                for (size_t i = 0; i < (size_t)got * columns; i++)
                        assert_int_equal(counts[i], expected[row * columns + i]);
                row += (size_t)got;
        }
        assert_int_equal(got, 0);
        assert_int_equal(row, rows);
        recording_free(recording);
}

/* In mg, behind the muscles, whatever the order of the columns; a value that is missing is the last one.
 */
static void test_accelerometer(void **state) {
        static const int32_t four[] = {100, 1000, -500, 3, 200, 1000, -500, 4, 300, 1001, -500, 4};
        static const int32_t one[] = {100, 200};
        const char *left_out[] = {"GM_uV,ACCX_g,ACCY_g\n1,1,1\n2,1,1\n",
                                  "GM_uV,ACCX_uV,ACCY_g,ACCZ_g\n1,1,1,1\n2,1,1,1\n",
                                  "GM_uV,ACCX_deg,ACCY_g,ACCZ_g\n1,1,1,1\n2,1,1,1\n",
                                  "GM_uV,HACCX_g,ACCY_g,ACCZ_g\n1,1,1,1\n2,1,1,1\n"};

        motion_check(state,
                     "ACCZ_g,GM_uV,ACCX_g,\"ACC Y (mg)\"\n0.003,1,1,-500\n0.004,2,,-500\n"
                     "nan,3,1.001,\n",
                     four, 3, 4);
        for (size_t i = 0; i < ARRAY_LENGTH(left_out); i++)
                if (i != 1)
                        motion_check(state, left_out[i], one, 2, 1);
        /* Not unasked. */
        COUNTS_CHECK("GM_uV,ACCX_g,ACCY_g,ACCZ_g\n1,1,1,1\n2,1,1,1\n", &at_1000_hz, 1, 100, 200);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_forms),
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_scales),
                cmocka_unit_test(test_what_is_taken),
                cmocka_unit_test(test_choice),
                cmocka_unit_test(test_rates),
                cmocka_unit_test(test_long_run),
                cmocka_unit_test(test_time_units),
                cmocka_unit_test(test_gaps),
                cmocka_unit_test(test_gap_index),
                cmocka_unit_test(test_rate_outranks_time),
                cmocka_unit_test(test_late_fault),
                cmocka_unit_test(test_refused_rows),
                cmocka_unit_test(test_refused_files),
                cmocka_unit_test(test_no_table),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_big_file),
                cmocka_unit_test(test_length_estimate),
                cmocka_unit_test(test_accelerometer),
        };

        return cmocka_run_group_tests_name("recording-csv", tests, files_setup, files_teardown);
}
