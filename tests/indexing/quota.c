/* Preloaded into a daemon: while the file that QUOTA_USED_UP names is there, writes to files whose path holds what
   stands in it fail as they do for a user who has used up a quota. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int used_up(int file)
{
    const char *marker = getenv("QUOTA_USED_UP");
    char link[64], path[4096], denied[256];
    int before = errno, answer = 0;
    int handle = marker ? (int)syscall(SYS_openat, AT_FDCWD, marker, O_RDONLY | O_CLOEXEC) : -1;
    if (handle >= 0) {
        ssize_t length = syscall(SYS_read, handle, denied, sizeof denied - 1);
        syscall(SYS_close, handle);
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        ssize_t size = readlink(link, path, sizeof path - 1);
        if (length > 0 && size > 0) {
            denied[length] = path[size] = 0;
            answer = strstr(path, denied) != NULL;
        }
    }
    errno = answer ? EDQUOT : before;
    return answer;
}

#define DENY(name, takes, gives)                                                   \
    ssize_t name takes                                                             \
    {                                                                              \
        static ssize_t(*next) takes;                                               \
        if (used_up(file))                                                         \
            return -1;                                                             \
        if (!next)                                                                 \
            next = (ssize_t(*) takes)dlsym(RTLD_NEXT, #name);                      \
        return next gives;                                                         \
    }

DENY(write, (int file, const void *from, size_t size), (file, from, size))
DENY(writev, (int file, const struct iovec *from, int count), (file, from, count))
DENY(pwrite, (int file, const void *from, size_t size, off_t at), (file, from, size, at))
DENY(pwrite64, (int file, const void *from, size_t size, off64_t at), (file, from, size, at))
