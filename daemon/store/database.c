/* SPDX-License-Identifier: MIT */
/* The database: see database.h. */
#include "daemon/store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/store/schema.h"

#define BUSY_TIMEOUT_MS 1000

/* Virtual machine instructions between two looks at `abandoned`: some tens of microseconds. */
#define PROGRESS_STEPS 1000

/* SQLite's own default for a checkpoint: 4 MiB of pages, also kept as the log's size on disk. */
#define WAL_PAGES_MAX 1000
#define WAL_BYTES_KEPT (WAL_PAGES_MAX * 4096)

int sqlite_error(sqlite3 *handle, int rc) {
        int system;

        switch (rc & 0xff) {
        case SQLITE_OK:
                return 0;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_INTERRUPT:
                return -ECANCELED;
        case SQLITE_NOTFOUND:
                return -ESTALE;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
                return -EINVAL;
        case SQLITE_TOOBIG:
                return -E2BIG;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
                if (rc == SQLITE_IOERR_NOMEM)
                        return -ENOMEM;
                system = handle ? sqlite3_system_errno(handle) : 0;
                /* Only those that say more than "I/O error"; none that has a meaning of its own in the
                 * store. */
                switch (system) {
                case ENOSPC:
                case EDQUOT:
                case EROFS:
                case EACCES:
                case EPERM:
                case ENOENT:
                case ENOTDIR:
                case EISDIR:
                case EMFILE:
                case ENFILE:
                case ENOMEM:
                        return -system;
                default:
                        return -EIO;
                }
        default:
                return -EIO;
        }
}

bool sqlite_error_is_of_row(int rc) {
        rc &= 0xff;
        return rc == SQLITE_CONSTRAINT || rc == SQLITE_MISMATCH || rc == SQLITE_TOOBIG;
}

/* Says it in ret_text; what does not fit is cut off. */
static void __attribute__((format(printf, 2, 3))) say(char *ret_text, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(ret_text, DATABASE_TEXT_SIZE, format, arguments);
        va_end(arguments);
}

void database_describe(const struct database *database, int error, char *ret_text) {
        const char *path = database->path;

        switch (-error) {
        case ENOSPC:
        case EDQUOT:
                say(ret_text, "No space left for %s: free some. What is new waits in memory until then.",
                    path);
                break;
        case ENOENT:
        case ENOTDIR:
                say(ret_text,
                    "The folder of %s does not exist: create it, owned by the user that crampd runs as.",
                    path);
                break;
        case EACCES:
        case EPERM:
                say(ret_text,
                    "No permission to write %s: the file and its folder must belong to the user that "
                    "crampd runs as.",
                    path);
                break;
        case EROFS:
                say(ret_text,
                    "The file system of %s is read-only: check the disk and mount it writable.", path);
                break;
        case EISDIR:
                say(ret_text, "%s is not a regular file: move it away.", path);
                break;
        case EBUSY:
                say(ret_text,
                    "Another program has %s open (a second crampd, an sqlite3 shell): close it.", path);
                break;
        case EBADMSG:
                say(ret_text,
                    "The database %s seems damaged: it is checked and, if it is, set aside for a fresh "
                    "one.",
                    path);
                break;
        case ENOMEM:
                say(ret_text, "Not enough memory for the database %s.", path);
                break;
        default:
                say(ret_text, "Cannot use the database %s: %s. Check the disk.", path,
                    strerrordesc_np(-error));
                break;
        }
}

static bool is_in_memory(const struct database *database) {
        return strcmp(database->path, ":memory:") == 0;
}

/* SQLite would create the file readable by all; its log takes over the mode of the file. */
static int create_file(const char *path) {
        _cleanup_(closep) int fd = -1;
        struct stat st;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, S_IRUSR | S_IWUSR);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EISDIR;
        if ((st.st_mode & 07777) != (S_IRUSR | S_IWUSR) && fchmod(fd, S_IRUSR | S_IWUSR) < 0)
                return -errno;
        return 0;
}

static int on_progress(void *userdata) {
        const struct database *database = userdata;

        return atomic_load(database->abandoned);
}

static int on_wal(void *userdata, sqlite3 *handle, const char *name, int pages) {
        struct database *database = userdata;

        database->wal_pages = pages;
        return SQLITE_OK;
}

/* The first column of a statement's first row. */
static int read_text(struct database *database, const char *sql, char *ret, size_t size) {
        sqlite3_stmt *statement = NULL;
        const unsigned char *text;
        int rc;

        *ret = '\0';
        rc = sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW) {
                text = sqlite3_column_text(statement, 0);
                if (text)
                        (void)snprintf(ret, size, "%s", (const char *)text);
                rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_OK;
        (void)sqlite3_finalize(statement);
        return rc;
}

static int execute(struct database *database, const char *sql) {
        return sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
}

static int connect_file(struct database *database) {
        int rc;

        /* One thread uses it: SQLite's own mutexes are not needed. */
        rc = sqlite3_open_v2(database->path, &database->handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                     SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE,
                             NULL);
        if (rc != SQLITE_OK)
                return rc;
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        (void)sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MS);
        sqlite3_progress_handler(database->handle, PROGRESS_STEPS, on_progress, database);
        /* In place of the automatic checkpoint, which would make the commit that triggers it wait: see
         * writer.c. */
        (void)sqlite3_wal_hook(database->handle, on_wal, database);

        /*
         * Exclusive, before anything is read: then the log's index lives in memory and there is no -shm
         * file, whose mapping could end the daemon with SIGBUS on a failing disk; and no other process
         * can open the database behind our back, which is what the WAL-reset defect of SQLite
         * before 3.51.3 needs (two connections). The price: a shell cannot look in while crampd runs;
         * crampctl can.
         */
        return execute(
                database,
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
}

static int configure(struct database *database, bool empty) {
        char mode[16];
        int rc = SQLITE_OK;

        /* How it is vacuumed is fixed before the first table. Nothing here writes to a database that is
         * in use already: on a full disk it must still be readable. */
        if (empty)
                rc = execute(database, "PRAGMA auto_vacuum = INCREMENTAL");
        if (rc == SQLITE_OK)
                rc = read_text(database, "PRAGMA journal_mode = WAL", mode, sizeof(mode));
        if (rc == SQLITE_OK && strcmp(mode, "wal") != 0 && !is_in_memory(database))
                rc = SQLITE_IOERR;
        /* FULL: a commit that was acknowledged survives a power cut, not only a crash. */
        if (rc == SQLITE_OK)
                rc = execute(database, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA "
                                       "secure_delete = ON");
        if (rc == SQLITE_OK) {
                char sql[64];

                (void)snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %d", WAL_BYTES_KEPT);
                rc = execute(database, sql);
        }
        return rc;
}

static int check_integrity(struct database *database, enum database_check check) {
        const char *sql =
                check == DATABASE_CHECK_ALL ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)";
        char answer[64];
        int rc;

        if (check == DATABASE_CHECK_IF_UNCLEAN) {
                rc = read_text(database, "SELECT value FROM meta WHERE key = 'clean_shutdown'", answer,
                               sizeof(answer));
                if (rc != SQLITE_OK || strcmp(answer, "1") == 0)
                        return rc;
        }
        rc = read_text(database, sql, answer, sizeof(answer));
        if (rc == SQLITE_OK && strcmp(answer, "ok") != 0)
                rc = SQLITE_CORRUPT;
        return rc;
}

/* SQLITE_ERROR for a statement of ours over tables of ours: they are not what the version says. */
static int error_means_damage(int rc) {
        return rc == SQLITE_ERROR ? SQLITE_CORRUPT : rc;
}

static int open_tables(struct database *database, enum database_check check, int version) {
        int rc = SQLITE_OK;

        if (version > 0)
                rc = error_means_damage(check_integrity(database, check));
        if (rc == SQLITE_OK)
                rc = schema_migrate(database->handle, version);
        if (rc == SQLITE_OK)
                rc = error_means_damage(rows_prepare(&database->rows, database->handle));
        return rc;
}

static int refuse(const struct database *database, enum schema_kind kind, int version, char *ret_text) {
        if (kind == SCHEMA_NEWER)
                say(ret_text,
                    "The database %s is of version %d, but this crampd knows versions up to %d only: "
                    "install the newer crampd again, or move the file away.",
                    database->path, version, schema_newest());
        else
                say(ret_text, "%s is a database of another program: move it away.", database->path);
        return -EPROTO;
}

int database_open(struct database *database, enum database_check check, char *ret_text) {
        enum schema_kind kind = SCHEMA_EMPTY;
        int rc, r, version = 0;

        if (!is_in_memory(database)) {
                r = create_file(database->path);
                if (r < 0) {
                        database_describe(database, r, ret_text);
                        return r;
                }
        }

        database->wal_pages = 0;
        rc = connect_file(database);
        if (rc == SQLITE_OK)
                rc = schema_identify(database->handle, &kind, &version);
        if (rc == SQLITE_OK && (kind == SCHEMA_NEWER || kind == SCHEMA_FOREIGN)) {
                database_close(database, false);
                return refuse(database, kind, version, ret_text);
        }
        if (rc == SQLITE_OK)
                rc = configure(database, kind == SCHEMA_EMPTY);
        if (rc == SQLITE_OK)
                rc = open_tables(database, check, version);
        if (rc == SQLITE_OK)
                return 0;

        r = sqlite_error(database->handle, rc);
        database_close(database, false);
        database_describe(database, r, ret_text);
        return r;
}

int database_close_interrupted(struct database *database) {
        return execute(database,
                       "UPDATE episode SET end_reason = 'interrupted', end_us = max(alert_us, "
                       "(SELECT n.seen_us FROM night n WHERE n.row = episode.night)), "
                       "changed_us = 1 + (SELECT max(e.changed_us) FROM episode e) WHERE end_us IS NULL;"
                       "UPDATE night SET end_us = seen_us WHERE end_us IS NULL");
}

int database_mark_clean(struct database *database, bool clean) {
        return execute(database, clean ? "INSERT OR REPLACE INTO meta VALUES ('clean_shutdown', 1)"
                                       : "INSERT OR REPLACE INTO meta VALUES ('clean_shutdown', 0)");
}

int database_begin(struct database *database) {
        return execute(database, "BEGIN IMMEDIATE");
}

int database_commit(struct database *database) {
        return execute(database, "COMMIT");
}

void database_rollback(struct database *database) {
        if (!sqlite3_get_autocommit(database->handle))
                (void)execute(database, "ROLLBACK");
}

bool database_checkpoint(struct database *database, bool all) {
        int mode = all ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

        if (!all && database->wal_pages < WAL_PAGES_MAX)
                return true;
        if (sqlite3_wal_checkpoint_v2(database->handle, NULL, mode, NULL, NULL) != SQLITE_OK)
                return false;
        database->wal_pages = 0;
        return true;
}

bool database_is_moved(struct database *database) {
        int moved = 0;

        if (is_in_memory(database))
                return false;
        return sqlite3_file_control(database->handle, NULL, SQLITE_FCNTL_HAS_MOVED, &moved) ==
                       SQLITE_OK &&
               moved;
}

void database_close(struct database *database, bool tidy) {
        rows_finalize(&database->rows);
        if (tidy) {
                int rc = sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                                   NULL, NULL);

                /* Now that the log holds nothing, closing may delete it. */
                if (rc == SQLITE_OK)
                        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
                                                NULL);
        }
        (void)sqlite3_close(database->handle);
        database->handle = NULL;
}

static int rename_part(const char *path, const char *aside, const char *suffix) {
        char from[PATH_MAX], to[PATH_MAX];

        if (snprintf(from, sizeof(from), "%s%s", path, suffix) >= (int)sizeof(from) ||
            snprintf(to, sizeof(to), "%s%s", aside, suffix) >= (int)sizeof(to))
                return -ENAMETOOLONG;
        /* The folder is ours alone, so nobody can come in between. */
        if (access(to, F_OK) == 0)
                return -EEXIST;
        if (rename(from, to) < 0 && (errno != ENOENT || !*suffix))
                return -errno;
        return 0;
}

int database_set_aside(const struct database *database, char *ret_path) {
        /* What belongs to it goes first: a log left alone would be deleted by whoever opens the next
         * database. */
        static const char *const suffixes[] = {"-wal", "-journal", "-shm", ""};
        time_t now = time(NULL);
        struct tm utc;
        char stamp[32];

        if (!gmtime_r(&now, &utc) || strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc) == 0)
                return -EOVERFLOW;
        if (snprintf(ret_path, PATH_MAX, "%s.damaged-%s", database->path, stamp) >= PATH_MAX)
                return -ENAMETOOLONG;
        for (size_t i = 0; i < ARRAY_LENGTH(suffixes); i++) {
                int r = rename_part(database->path, ret_path, suffixes[i]);

                if (r < 0)
                        return r;
        }
        return 0;
}
