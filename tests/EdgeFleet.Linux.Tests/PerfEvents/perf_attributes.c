// Prints what the kernel's own header makes of the counters that EdgeFleet asks for: one line each, in hex.
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

static void print(unsigned type, unsigned long long config, int exclude_kernel) {
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = type;
    attr.size = PERF_ATTR_SIZE_VER5;
    attr.config = config;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.disabled = 1;
    attr.inherit = 1;
    attr.exclude_kernel = exclude_kernel;
    attr.exclude_hv = exclude_kernel;
    for (size_t i = 0; i < PERF_ATTR_SIZE_VER5; i++) printf("%02x", ((unsigned char *)&attr)[i]);
    printf("\n");
}

static unsigned long long cache(unsigned long long which) {
    return which | (PERF_COUNT_HW_CACHE_OP_READ << 8) | (PERF_COUNT_HW_CACHE_RESULT_MISS << 16);
}

int main(void) {
    print(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 1);
    print(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 1);
    print(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, 1);
    print(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, 1);
    print(PERF_TYPE_HW_CACHE, cache(PERF_COUNT_HW_CACHE_L1D), 1);
    print(PERF_TYPE_HW_CACHE, cache(PERF_COUNT_HW_CACHE_LL), 1);
    print(PERF_TYPE_HW_CACHE, cache(PERF_COUNT_HW_CACHE_DTLB), 1);
    print(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 1);
    print(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 1);
    print(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 0);
    print(PERF_TYPE_RAW, 0x03, 1);
    printf("%lx %lx\n", (unsigned long)PERF_EVENT_IOC_ENABLE, (unsigned long)PERF_EVENT_IOC_DISABLE);
    return 0;
}
