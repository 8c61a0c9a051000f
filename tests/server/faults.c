/* Preloaded: the n-th call that changes a file below a directory fails, or is the process' last. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { FAIL_ONCE, FAIL_ON, KILL_BEFORE, KILL_AFTER };

static char root[4096], last[256];
static int kind, error;
static volatile long left; /* calls until the fault; 0: none is armed */
static volatile long fired;

/* From Python: arm for the files below `dir`. */
void hiprep_arm(const char *dir, long n, int how, int code) {
    snprintf(root, sizeof root, "%s", dir);
    kind = how, error = code, fired = 0, left = n;
}

/* Which call it was and on which file, or "". */
const char *hiprep_fired(void) { return fired ? last : ""; }

static int ours(const char *path) { return left && strncmp(path, root, strlen(root)) == 0; }

static int ours_fd(int fd) {
    char link[64], path[4096];
    if (!left) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    if (!ours(path)) return 0;
    snprintf(last + 64, sizeof last - 64, "%s", path + strlen(root));
    return 1;
}

/* 0: go on; 1: fail; 2: do it and die. */
static int now(const char *call) {
    if (left > 1) return left--, 0;
    if (fired && kind == FAIL_ONCE) return 0;
    if (!fired) memmove(last + snprintf(last, 60, "%s ", call), last + 64, sizeof last - 64);
    fired = 1;
    if (kind == KILL_BEFORE) kill(getpid(), SIGKILL);
    if (kind == KILL_AFTER) return 2;
    errno = error;
    return 1;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
#define CALL(what, mine, ...) \
    do { \
        int how = (mine) ? now(what) : 0; \
        if (how == 1) return -1; \
        __typeof__(real(__VA_ARGS__)) result = real(__VA_ARGS__); \
        if (how == 2) kill(getpid(), SIGKILL); \
        return result; \
    } while (0)

ssize_t write(int fd, const void *data, size_t n) { REAL(ssize_t, write, int, const void *, size_t); CALL("write", ours_fd(fd), fd, data, n); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { REAL(ssize_t, pwrite, int, const void *, size_t, off_t); CALL("write", ours_fd(fd), fd, data, n, at); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) { REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t); CALL("write", ours_fd(fd), fd, data, n, at); }
int fsync(int fd) { REAL(int, fsync, int); CALL("fsync", ours_fd(fd), fd); }
int fdatasync(int fd) { REAL(int, fdatasync, int); CALL("fsync", ours_fd(fd), fd); }
int ftruncate(int fd, off_t n) { REAL(int, ftruncate, int, off_t); CALL("truncate", ours_fd(fd), fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(int, ftruncate64, int, off64_t); CALL("truncate", ours_fd(fd), fd, n); }
int rename(const char *from, const char *to) { REAL(int, rename, const char *, const char *); CALL("rename", ours(to), from, to); }
int unlink(const char *path) { REAL(int, unlink, const char *); CALL("unlink", ours(path), path); }
