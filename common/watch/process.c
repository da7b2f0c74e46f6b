#include "common/watch/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256 /* of a line of smaps_rollup */

#define STAT_MAX   1024 /* bytes of /proc/self/stat */
#define STAT_VSIZE 23   /* fields of it, counted from 1 */
#define STAT_RSS   24
#define STAT_START 22
#define STAT_STATE 3 /* the first one after the command's name, which may contain anything */

/* A field of the line, from the text after the command's name; 0 if there is none. */
static uint64_t stat_field(const char *fields, int number)
{
    for (int i = STAT_STATE; fields && i < number; i++) {
        fields = strchr(fields, ' ');
        fields += fields ? 1 : 0;
    }
    return fields ? strtoull(fields, NULL, 10) : 0;
}

static bool read_stat(struct process *process)
{
    char line[STAT_MAX + 1];
    struct timespec now, since_boot;
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, line, STAT_MAX) : -1;

    if (fd >= 0)
        close(fd);
    line[len > 0 ? len : 0] = '\0';
    const char *end_of_name = strrchr(line, ')');
    if (!end_of_name || end_of_name[1] != ' ')
        return false;
    const char *fields = end_of_name + 2;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    double boot = (double)(now.tv_sec - since_boot.tv_sec) + (double)(now.tv_nsec - since_boot.tv_nsec) / 1e9;
    process->start_time = boot + (double)stat_field(fields, STAT_START) / (double)sysconf(_SC_CLK_TCK);
    process->virtual_bytes = stat_field(fields, STAT_VSIZE);
    process->resident_bytes = stat_field(fields, STAT_RSS) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

static bool count_descriptors(uint64_t *count)
{
    DIR *directory = opendir("/proc/self/fd");

    if (!directory)
        return false;
    *count = 0;
    for (const struct dirent *entry = readdir(directory); entry; entry = readdir(directory))
        *count += entry->d_name[0] != '.';
    *count -= 1; /* the directory's own */
    closedir(directory);
    return true;
}

/* The sum of Private_Clean, Private_Dirty and Private_Hugetlb (proc(5), smaps_rollup). */
static bool read_private(uint64_t *bytes)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen("/proc/self/smaps_rollup", "re");

    if (!file)
        return false;
    *bytes = 0;
    while (fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');
        if (colon && strncmp(line, "Private_", 8) == 0)
            *bytes += strtoull(colon + 1, NULL, 10) * 1024;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    return !failed;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

bool process_read(struct process *process)
{
    struct rusage usage;
    struct rlimit limit;

    if (getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    process->cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    process->max_descriptors = limit.rlim_cur;
    return read_stat(process) && read_private(&process->private_bytes) &&
           count_descriptors(&process->open_descriptors);
}
