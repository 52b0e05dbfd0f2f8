/* SPDX-License-Identifier: MIT */
/*
 * Files appear whole or not at all, one by one and many at once, whatever the file system can do: its
 * calls are made to fail here.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "dbus/crampctl/output.h"

#define PATH_SIZE 128
#define MANY (2 * OUTPUT_BATCH_FILES + 5)

/* What the file system refuses, and what it was asked. */
static struct {
        bool no_unnamed, no_exchange;
        int sync_error, syncfs_error; /* errno */
        unsigned syncs, syncfs_calls;
        size_t named_at_syncfs; /* files that had their name by the last syncfs() */
} disk;

static char folder[PATH_SIZE];
/* Some file systems below /tmp know no files without a name. */
static bool knows_unnamed;

static size_t count_files(const char *suffix) {
        DIR *directory = opendir(folder);
        size_t n = 0;

        assert_non_null(directory);
        for (struct dirent *entry; (entry = readdir(directory));) {
                size_t length = strlen(entry->d_name), wanted = strlen(suffix);

                n += entry->d_name[0] != '.' && length >= wanted &&
                     strcmp(entry->d_name + length - wanted, suffix) == 0;
        }
        (void)closedir(directory);
        return n;
}

/* meson asks for 64-bit offsets, and by that name. */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
        va_list arguments;
        mode_t mode = 0;

        va_start(arguments, flags);
        if (flags & (O_CREAT | O_TMPFILE))
                mode = va_arg(arguments, mode_t);
        va_end(arguments);
        if (disk.no_unnamed && (flags & O_TMPFILE) == O_TMPFILE) {
                errno = EOPNOTSUPP;
                return -1;
        }
        return __real_open64(path, flags, mode);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
        disk.syncs++;
        errno = disk.sync_error;
        return disk.sync_error ? -1 : 0;
}

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd) {
        disk.syncfs_calls++;
        disk.named_at_syncfs = count_files(".x");
        errno = disk.syncfs_error;
        return disk.syncfs_error ? -1 : 0;
}

int __real_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags);
int __wrap_renameat2(int from, const char *old, int to, const char *new, unsigned flags) {
        if (disk.no_exchange) {
                errno = EINVAL;
                return -1;
        }
        return __real_renameat2(from, old, to, new, flags);
}

static int setup(void **state) {
        int fd;

        memset(&disk, 0, sizeof(disk));
        (void)strcpy(folder, "/tmp/test-output-XXXXXX");
        if (!mkdtemp(folder))
                return -1;
        fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
        knows_unnamed = fd >= 0;
        if (fd >= 0)
                (void)close(fd);
        return 0;
}

static int teardown(void **state) {
        DIR *directory = opendir(folder);
        char path[2 * PATH_SIZE + 256];

        for (struct dirent *entry; directory && (entry = readdir(directory));) {
                (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
                (void)unlink(path);
        }
        (void)closedir(directory);
        return rmdir(folder);
}

static const char *path_of(unsigned number) {
        static char path[2 * PATH_SIZE];

        (void)snprintf(path, sizeof(path), "%s/%u.x", folder, number);
        return path;
}

static void put(unsigned number, const char *text) {
        FILE *file = fopen(path_of(number), "we");

        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
}

static void assert_holds(unsigned number, const char *text) {
        FILE *file = fopen(path_of(number), "re");
        char read[32] = "";

        assert_non_null(file);
        (void)!fgets(read, sizeof(read), file);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(read, text);
}

static void begin(struct output *output, unsigned number, bool replace, const char *text) {
        assert_int_equal(output_open(output, path_of(number), replace), 0);
        fputs(text, output->file);
}

static void assert_appears(bool replace) {
        bool named = disk.no_unnamed || !knows_unnamed;
        struct output output = {};
        struct stat st;

        if (replace)
                put(1, "old");
        else {
                begin(&output, 1, false, "dropped");
                output_close(&output);
                assert_int_equal(count_files(""), 0);
        }
        begin(&output, 1, replace, "new");
        assert_int_equal(count_files(".x"), replace);
        /* Nothing is left of it if the program dies now, where the file system can do that. */
        assert_int_equal(count_files(""), named + replace);
        assert_int_equal(output.named, named);
        assert_int_equal(output_commit(&output), 0);
        output_close(&output);
        assert_holds(1, "new");
        assert_int_equal(count_files(""), 1);
        assert_int_equal(stat(path_of(1), &st), 0);
        assert_int_equal(st.st_mode & 07777, S_IRUSR | S_IWUSR);
        assert_int_equal(disk.syncs, 2); /* the file, the folder */
        assert_int_equal(unlink(path_of(1)), 0);
        disk.syncs = 0;
}

static void test_whole_or_not_at_all(void **state) {
        for (unsigned ways = 0; ways < 4; ways++) {
                disk.no_unnamed = ways & 1;
                disk.no_exchange = ways & 2;
                assert_appears(false);
                assert_appears(true);
        }
}

static void test_nothing_is_replaced(void **state) {
        for (unsigned ways = 0; ways < 4; ways++) {
                struct output output = {};

                disk.no_unnamed = ways & 1;
                disk.no_exchange = ways & 2;
                /* Somebody was faster. */
                begin(&output, 1, false, "new");
                put(1, "theirs");
                assert_int_equal(output_commit(&output), EX_CANTCREAT);
                output_close(&output);
                assert_int_equal(output_open(&output, path_of(1), false), EX_CANTCREAT);
                assert_holds(1, "theirs");
                assert_int_equal(count_files(""), 1);
                assert_int_equal(unlink(path_of(1)), 0);
        }
}

static void test_name_for_libraries(void **state) {
        struct output output;

        assert_int_equal(output_open_named(&output, path_of(1), false), 0);
        assert_int_equal(count_files(""), 1);
        output_close(&output);
        assert_int_equal(count_files(""), 0);
}

static void test_disk_that_fails(void **state) {
        struct output output = {};

        begin(&output, 1, false, "lost");
        disk.sync_error = EIO;
        assert_int_equal(output_commit(&output), EX_CANTCREAT);
        output_close(&output);
        assert_int_equal(count_files(""), 0);
        /* In a folder that cannot be synced, but is not broken. */
        begin(&output, 1, false, "x");
        disk.sync_error = 0;
        assert_int_equal(output_commit(&output), 0);
        output_close(&output);
}

/* Returns the first code that is none of success. */
static int put_many(bool replace) {
        struct output_batch batch;
        int code = output_batch_begin(&batch, folder);

        for (unsigned i = 0; i < MANY && code == 0; i++) {
                struct output output = {};

                begin(&output, i, replace, "many");
                code = output_batch_add(&batch, &output);
                output_close(&output);
        }
        if (code == 0)
                code = output_batch_commit(&batch);
        output_batch_clear(&batch);
        return code;
}

static void test_many(void **state) {
        for (unsigned ways = 0; ways < 2; ways++) {
                disk.no_unnamed = ways;
                disk.syncfs_calls = disk.syncs = 0;
                assert_int_equal(put_many(ways > 0), 0);
                for (unsigned i = 0; i < MANY; i++)
                        assert_holds(i, "many");
                assert_int_equal(count_files(""), MANY);
                assert_int_equal(disk.syncfs_calls, 3);
                assert_int_equal(disk.syncs, 1); /* the folder */
                /* None had its name before it was durable. */
                if (ways == 0)
                        assert_int_equal(disk.named_at_syncfs, 2 * OUTPUT_BATCH_FILES);
        }
}

static void test_many_without_their_call(void **state) {
        disk.syncfs_error = ENOSYS;
        assert_int_equal(put_many(false), 0);
        assert_int_equal(count_files(""), MANY);
        assert_int_equal(disk.syncs, MANY + 1);
}

static void test_many_on_a_disk_that_fails(void **state) {
        disk.syncfs_error = disk.sync_error = EIO;
        assert_int_equal(put_many(false), EX_CANTCREAT);
        assert_int_equal(count_files(""), 0);
}

static void test_many_where_one_is_there(void **state) {
        struct output_batch batch;
        struct output output = {};

        assert_int_equal(output_batch_begin(&batch, folder), 0);
        for (unsigned i = 0; i < 3; i++) {
                begin(&output, i, false, "ours");
                assert_int_equal(output_batch_add(&batch, &output), 0);
        }
        put(1, "theirs");
        assert_int_equal(output_batch_commit(&batch), EX_CANTCREAT);
        output_batch_clear(&batch);
        assert_holds(0, "ours");
        assert_holds(1, "theirs");
        assert_int_equal(count_files(""), 2);
        assert_int_equal(output_batch_begin(&batch, "/nowhere"), EX_CANTCREAT);
        output_batch_clear(&batch);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_whole_or_not_at_all, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_is_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(test_name_for_libraries, setup, teardown),
                cmocka_unit_test_setup_teardown(test_disk_that_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many_without_their_call, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many_on_a_disk_that_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(test_many_where_one_is_there, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
