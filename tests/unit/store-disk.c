/* SPDX-License-Identifier: MIT */
/* A disk that can fail: see store-disk.h. */
#include "tests/unit/store-disk.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define FILES_MAX 16u
#define SECTOR 512u

/* Something done to a file that is not yet sure to last. */
struct change {
        struct change *next;
        enum disk_operation operation; /* DISK_OPEN: it was created */
        uint64_t offset;               /* of a write; the size after truncation */
        size_t size;
        unsigned char bytes[];
};

struct image {
        bool exists;
        unsigned char *bytes;
        size_t size;
};

struct history {
        char path[256];
        struct image synced;
        struct change *first, *last;
};

struct disk_file {
        sqlite3_file base;
        struct history *history;
        bool sync_folder; /* with its first sync, as the system's VFS does for a new journal or log */
        /* The system's own file follows. */
};

static struct {
        pthread_mutex_t mutex;
        pthread_cond_t hang_over;
        sqlite3_vfs vfs;
        sqlite3_vfs *real;
        unsigned count;
        unsigned open_files;
        unsigned fail_operations, fail_first, fail_n, failures;
        int fail_error;
        unsigned cut_at;
        bool cutting, off;
        bool hang, hanging;
        struct history histories[FILES_MAX];
        unsigned n_histories;
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .hang_over = PTHREAD_COND_INITIALIZER};

static void lock(void) {
        assert_int_equal(pthread_mutex_lock(&disk.mutex), 0);
}

static void unlock(void) {
        assert_int_equal(pthread_mutex_unlock(&disk.mutex), 0);
}

static sqlite3_file *real_file(sqlite3_file *file) {
        return (sqlite3_file *)((char *)file + sizeof(struct disk_file));
}

static int natural_error(enum disk_operation operation) {
        switch (operation) {
        case DISK_OPEN:
                return SQLITE_CANTOPEN;
        case DISK_READ:
                return SQLITE_IOERR_READ;
        case DISK_WRITE:
                return SQLITE_IOERR_WRITE;
        case DISK_SYNC:
                return SQLITE_IOERR_FSYNC;
        case DISK_TRUNCATE:
                return SQLITE_IOERR_TRUNCATE;
        default:
                return SQLITE_IOERR_DELETE;
        }
}

/* Counts an operation and says how it ends before it has begun. Needs the lock. */
static int admit(enum disk_operation operation) {
        disk.count++;
        if (disk.cutting && disk.count >= disk.cut_at)
                disk.off = true;
        if (disk.off)
                return natural_error(operation);
        if (!(disk.fail_operations & operation))
                return SQLITE_OK;
        if (disk.fail_first > 1) {
                disk.fail_first--;
                return SQLITE_OK;
        }
        if (disk.fail_n == 0)
                return SQLITE_OK;
        disk.fail_n--;
        disk.failures++;
        return disk.fail_error ? disk.fail_error : natural_error(operation);
}

static void image_resize(struct image *image, size_t size) {
        unsigned char *bytes = realloc(image->bytes, size + 1);

        assert_non_null(bytes);
        if (size > image->size)
                memset(bytes + image->size, 0, size - image->size);
        image->bytes = bytes;
        image->size = size;
}

static void image_write(struct image *image, uint64_t offset, const unsigned char *bytes, size_t size) {
        if (offset + size > image->size)
                image_resize(image, offset + size);
        memcpy(image->bytes + offset, bytes, size);
}

static void image_apply(struct image *image, const struct change *change) {
        switch (change->operation) {
        case DISK_OPEN:
                image->exists = true;
                break;
        case DISK_WRITE:
                image_write(image, change->offset, change->bytes, change->size);
                break;
        case DISK_TRUNCATE:
                image_resize(image, change->offset);
                break;
        default:
                image->exists = false;
                image_resize(image, 0);
                break;
        }
}

static void history_sync(struct history *history) {
        while (history->first) {
                struct change *change = history->first;

                history->first = change->next;
                image_apply(&history->synced, change);
                free(change);
        }
        history->last = NULL;
}

/* The folder was synced: that the file was created or deleted lasts, not what is in it. */
static void history_sync_entry(struct history *history) {
        const struct change *last = NULL;

        for (const struct change *i = history->first; i; i = i->next)
                if (i->operation == DISK_DELETE)
                        last = i;
        while (last) {
                struct change *change = history->first;

                history->first = change->next;
                if (!history->first)
                        history->last = NULL;
                if (change == last)
                        last = NULL;
                image_apply(&history->synced, change);
                free(change);
        }
        for (const struct change *i = history->first; i; i = i->next)
                if (i->operation == DISK_OPEN)
                        history->synced.exists = true;
}

static void sync_folder(void) {
        for (unsigned i = 0; i < disk.n_histories; i++)
                history_sync_entry(&disk.histories[i]);
}

static void history_add(struct history *history, enum disk_operation operation, uint64_t offset,
                        const void *bytes, size_t size) {
        struct change *change;

        if (!history)
                return;
        change = calloc(1, sizeof(*change) + size);
        assert_non_null(change);
        change->operation = operation;
        change->offset = offset;
        change->size = size;
        if (size > 0)
                memcpy(change->bytes, bytes, size);
        if (history->last)
                history->last->next = change;
        else
                history->first = change;
        history->last = change;
}

static struct history *history_find(const char *path) {
        for (unsigned i = 0; i < disk.n_histories; i++)
                if (strcmp(disk.histories[i].path, path) == 0)
                        return &disk.histories[i];
        return NULL;
}

/* What is there when a file is opened for the first time counts as synced. */
static struct history *history_begin(const char *path) {
        struct history *history;
        unsigned char buffer[4096];
        FILE *file;
        size_t n;

        assert_true(disk.n_histories < FILES_MAX);
        history = &disk.histories[disk.n_histories++];
        *history = (struct history){};
        assert_true(strlen(path) < sizeof(history->path));
        (void)strcpy(history->path, path);
        file = fopen(path, "re");
        if (!file)
                return history;
        history->synced.exists = true;
        while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
                image_write(&history->synced, history->synced.size, buffer, n);
        assert_int_equal(fclose(file), 0);
        return history;
}

static int disk_close(sqlite3_file *file) {
        int rc = real_file(file)->pMethods->xClose(real_file(file));

        lock();
        disk.open_files--;
        unlock();
        return rc;
}

static int disk_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset) {
        int rc;

        lock();
        rc = admit(DISK_READ);
        unlock();
        return rc == SQLITE_OK ? real_file(file)->pMethods->xRead(real_file(file), bytes, size, offset)
                               : rc;
}

static int disk_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset) {
        struct disk_file *own = (struct disk_file *)file;
        int rc;

        lock();
        rc = admit(DISK_WRITE);
        if (rc == SQLITE_OK)
                history_add(own->history, DISK_WRITE, (uint64_t)offset, bytes, (size_t)size);
        unlock();
        return rc == SQLITE_OK ? real_file(file)->pMethods->xWrite(real_file(file), bytes, size, offset)
                               : rc;
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size) {
        struct disk_file *own = (struct disk_file *)file;
        int rc;

        lock();
        rc = admit(DISK_TRUNCATE);
        if (rc == SQLITE_OK)
                history_add(own->history, DISK_TRUNCATE, (uint64_t)size, NULL, 0);
        unlock();
        return rc == SQLITE_OK ? real_file(file)->pMethods->xTruncate(real_file(file), size) : rc;
}

static int disk_sync(sqlite3_file *file, int flags) {
        struct disk_file *own = (struct disk_file *)file;
        int rc;

        lock();
        rc = admit(DISK_SYNC);
        while (disk.hang) {
                disk.hanging = true;
                assert_int_equal(pthread_cond_wait(&disk.hang_over, &disk.mutex), 0);
        }
        disk.hanging = false;
        if (rc == SQLITE_OK && own->history) {
                history_sync(own->history);
                if (own->sync_folder)
                        sync_folder();
                own->sync_folder = false;
        }
        unlock();
        return rc;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *ret) {
        return real_file(file)->pMethods->xFileSize(real_file(file), ret);
}

static int disk_lock(sqlite3_file *file, int level) {
        return real_file(file)->pMethods->xLock(real_file(file), level);
}

static int disk_unlock(sqlite3_file *file, int level) {
        return real_file(file)->pMethods->xUnlock(real_file(file), level);
}

static int disk_check_lock(sqlite3_file *file, int *ret) {
        return real_file(file)->pMethods->xCheckReservedLock(real_file(file), ret);
}

static int disk_control(sqlite3_file *file, int operation, void *argument) {
        return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int disk_sector_size(sqlite3_file *file) {
        return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int disk_characteristics(sqlite3_file *file) {
        return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

/* Version 1: without shared memory and mappings. */
static const sqlite3_io_methods disk_methods = {
        .iVersion = 1,
        .xClose = disk_close,
        .xRead = disk_read,
        .xWrite = disk_write,
        .xTruncate = disk_truncate,
        .xSync = disk_sync,
        .xFileSize = disk_size,
        .xLock = disk_lock,
        .xUnlock = disk_unlock,
        .xCheckReservedLock = disk_check_lock,
        .xFileControl = disk_control,
        .xSectorSize = disk_sector_size,
        .xDeviceCharacteristics = disk_characteristics,
};

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *ret_flags) {
        struct disk_file *own = (struct disk_file *)file;
        int rc;

        own->base.pMethods = NULL;
        own->history = NULL;
        own->sync_folder =
                (flags & SQLITE_OPEN_CREATE) && (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL));
        lock();
        rc = admit(DISK_OPEN);
        if (rc == SQLITE_OK && disk.cutting && path) {
                bool exists = access(path, F_OK) == 0;

                own->history = history_find(path);
                if (!own->history)
                        own->history = history_begin(path);
                if (!exists)
                        history_add(own->history, DISK_OPEN, 0, NULL, 0);
        }
        unlock();
        if (rc == SQLITE_OK)
                rc = disk.real->xOpen(disk.real, path, real_file(file), flags, ret_flags);
        if (rc == SQLITE_OK) {
                own->base.pMethods = &disk_methods;
                lock();
                disk.open_files++;
                unlock();
        }
        return rc;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync) {
        struct history *history;
        int rc;

        lock();
        rc = admit(DISK_DELETE);
        history = history_find(path);
        if (rc == SQLITE_OK && history) {
                history_add(history, DISK_DELETE, 0, NULL, 0);
                if (sync)
                        sync_folder();
        }
        unlock();
        return rc == SQLITE_OK ? disk.real->xDelete(disk.real, path, 0) : rc;
}

void disk_install(void) {
        disk.real = sqlite3_vfs_find(NULL);
        assert_non_null(disk.real);
        disk.vfs = *disk.real; /* what is not named below goes straight to the real one */
        disk.vfs.iVersion = 1;
        disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
        disk.vfs.zName = "failing-disk";
        disk.vfs.xOpen = disk_open;
        disk.vfs.xDelete = disk_delete;
        assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

void disk_heal(void) {
        lock();
        for (unsigned i = 0; i < disk.n_histories; i++) {
                history_sync(&disk.histories[i]);
                free(disk.histories[i].synced.bytes);
        }
        disk.n_histories = 0;
        disk.count = disk.failures = 0;
        disk.fail_operations = disk.fail_n = 0;
        disk.cutting = disk.off = false;
        unlock();
}

unsigned disk_count(void) {
        unsigned count;

        lock();
        count = disk.count;
        unlock();
        return count;
}

unsigned disk_open_files(void) {
        unsigned n;

        lock();
        n = disk.open_files;
        unlock();
        return n;
}

void disk_fail(unsigned operations, unsigned first, unsigned n, int error) {
        lock();
        disk.fail_operations = operations;
        disk.fail_first = first;
        disk.fail_n = n;
        disk.fail_error = error;
        unlock();
}

unsigned disk_failures(void) {
        unsigned n;

        lock();
        n = disk.failures;
        unlock();
        return n;
}

void disk_cut_power(unsigned at) {
        lock();
        disk.cutting = true;
        disk.cut_at = disk.count + at;
        unlock();
}

bool disk_is_off(void) {
        bool off;

        lock();
        off = disk.off;
        unlock();
        return off;
}

/* xorshift (Marsaglia 2003): the same seed, the same ruin. */
static uint32_t next_random(uint32_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 17;
        *state ^= *state << 5;
        return *state;
}

static void apply_in_part(struct image *image, const struct change *change, uint32_t *random) {
        switch (next_random(random) % 3) {
        case 0:
                return;
        case 1:
                image_apply(image, change);
                return;
        default:
                break;
        }
        if (change->operation != DISK_WRITE)
                return;
        for (size_t at = 0; at < change->size;) {
                size_t n = SECTOR - (size_t)((change->offset + at) % SECTOR);

                if (n > change->size - at)
                        n = change->size - at;
                if (next_random(random) % 2)
                        image_write(image, change->offset + at, change->bytes + at, n);
                at += n;
        }
}

static void history_leave(struct history *history, uint32_t keep) {
        struct image *image = &history->synced;
        uint32_t random = keep;
        FILE *file;

        if (keep == 1)
                history_sync(history);
        while (history->first) {
                struct change *change = history->first;

                history->first = change->next;
                if (keep > 1)
                        apply_in_part(image, change, &random);
                free(change);
        }
        history->last = NULL;

        if (!image->exists) {
                assert_true(unlink(history->path) == 0 || errno == ENOENT);
                return;
        }
        file = fopen(history->path, "we");
        assert_non_null(file);
        if (image->size > 0)
                assert_int_equal(fwrite(image->bytes, 1, image->size, file), image->size);
        assert_int_equal(fclose(file), 0);
}

void disk_power_up(uint32_t keep) {
        assert_int_equal(disk_open_files(), 0);
        lock();
        for (unsigned i = 0; i < disk.n_histories; i++)
                history_leave(&disk.histories[i], keep + (keep > 1 ? i : 0));
        unlock();
        disk_heal();
}

void disk_hang(bool hang) {
        lock();
        disk.hang = hang;
        assert_int_equal(pthread_cond_broadcast(&disk.hang_over), 0);
        unlock();
}

bool disk_is_hanging(void) {
        bool hanging;

        lock();
        hanging = disk.hanging;
        unlock();
        return hanging;
}
