/* Follows a pointer to nowhere in the middle of a call. */
#define ID "org.example.bad.segfaults"
#include "one_scheduler.h"

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    *(volatile int *)(uintptr_t)8 = 1;
    return EXSTREAMTV_OK;
}
