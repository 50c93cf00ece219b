/* Ends the process that loads it: why the first look is taken in a child. */
#define ID "org.example.bad.aborts-on-load"
#include "one_scheduler.h"
#include <stdlib.h>

__attribute__((constructor)) static void at_load(void) { abort(); }

static exstreamtv_status call(exstreamtv_instance *self, exstreamtv_slice method, exstreamtv_slice input, uint64_t deadline_ns,
                              const exstreamtv_sink *out) {
    (void)self, (void)method, (void)input, (void)deadline_ns, (void)out;
    return EXSTREAMTV_FAILED;
}
